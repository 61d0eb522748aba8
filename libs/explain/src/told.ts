import type { Cause, EvidenceItem, ExplainedEnd, Explanation, OriginalDestination } from '@whydrop/model';
import type { Case } from './case.js';
import { firstRecords, unansweredItem } from './conntrack-evidence.js';
import type { Draft } from './draft.js';
import { fixOf } from './fix.js';
import { logItem } from './rule-evidence.js';
import { sentenceOf } from './sentence.js';
import { clockAssumptions, type ClockOffsets } from './skew.js';
import type { Attempt } from './witness.js';

type Shared = Omit<Explanation, 'evidence'>;

/** What is told of an attempt but for its own times, ports and lines: like attempts share it. */
export interface Told {
  readonly source: ExplainedEnd;
  readonly destination: ExplainedEnd;
  readonly original: OriginalDestination | undefined;
  readonly translatedSource: string | undefined;
  readonly draft: Draft;
  /** The node that ended it. */
  readonly node: string | undefined;
  /** The counter that it rests on, where one was read. */
  readonly counter: string | undefined;
  /** What is cited of counters. */
  readonly counters: readonly EvidenceItem[];
  /** Everything of the explanation but its evidence; worked out when first asked for. */
  shared(): Shared;
  /** The same object for all that share this. */
  readonly like: object;
}

function counterOf({ chainRule: rule, counted, evidence = [] }: Draft): string | undefined {
  if (!rule || counted === undefined) return undefined;
  // The same number may have been counted in another window.
  const windows = evidence.flatMap(({ channel, observedAt }) => (channel === 'counter' ? observedAt : []));
  return [rule.node, rule.table, rule.chain, rule.text, counted, ...windows].join(' ');
}

function explanationOf(subject: Case, draft: Draft, node: string | undefined, clocks: ClockOffsets): Shared {
  const told = {
    verdict: draft.verdict,
    cause: draft.cause,
    contributing: draft.contributing ?? [],
    direction: draft.direction,
    enforcementPoint: draft.enforcementPoint,
    policies: draft.policies ?? [],
    misses: draft.misses ?? [],
    chainRule: draft.chainRule,
    via: draft.via,
    basis: draft.basis,
    assumptions: [...(draft.assumptions ?? []), ...clockAssumptions(subject.attempt, node, clocks)],
    missing: draft.missing ?? [],
    findings: draft.findings ?? [],
    fix: fixOf(subject, draft.cause, draft.contributing ?? []),
  };
  const { source, destination, tuple } = subject;
  const ends = { source, destination, destinationPort: tuple.destinationPort, protocol: tuple.protocol };
  return { ...told, sentence: sentenceOf(told, { ...ends, counted: draft.counted }) };
}

/** The explanation with an attempt's own evidence. Written out: a storm makes as many of these as it has drops. */
export function explained(shared: Shared, evidence: readonly EvidenceItem[]): Explanation {
  return {
    verdict: shared.verdict,
    cause: shared.cause,
    contributing: shared.contributing,
    direction: shared.direction,
    enforcementPoint: shared.enforcementPoint,
    policies: shared.policies,
    misses: shared.misses,
    chainRule: shared.chainRule,
    via: shared.via,
    basis: shared.basis,
    assumptions: shared.assumptions,
    missing: shared.missing,
    findings: shared.findings,
    fix: shared.fix,
    evidence,
    sentence: shared.sentence,
  };
}

/** What is told of a decided attempt. */
export function toldOf(subject: Case, draft: Draft, clocks: ClockOffsets): Told {
  const node = draft.chainRule?.node ?? draft.enforcementPoint?.node;
  let made: Shared | undefined;
  return {
    source: subject.source,
    destination: subject.destination,
    original: subject.original,
    translatedSource: subject.translatedSource,
    draft,
    node,
    counter: counterOf(draft),
    counters: (draft.evidence ?? []).filter(({ channel }) => channel === 'counter'),
    like: {},
    shared: () => (made ??= explanationOf(subject, draft, node, clocks)),
  };
}

/** Evidence of an attempt that is like another one: its own lines, and the counter that both rest on. */
export function evidenceLike({ draft, counters }: Told, { packets, flows }: Attempt): readonly EvidenceItem[] {
  const own = firstRecords(flows).map(unansweredItem);
  return draft.basis === 'observed' ? [...packets.map(logItem), ...counters, ...own] : [...own, ...counters];
}

const OF_POLICIES: ReadonlySet<Cause> = new Set(['POLICY_EXPLICIT_DENY', 'POLICY_DEFAULT_DENY']);

function isSame(a: readonly EvidenceItem[], b: readonly EvidenceItem[]): boolean {
  return JSON.stringify(a) === JSON.stringify(b);
}

/**
 * Whether like attempts may be told the same: policies that deny decided it, which nothing but the objects, the rulesets and
 * the sets bears on, and its evidence is what such an attempt's is.
 */
export function isShared(subject: Case, told: Told): boolean {
  const { cause, direction, evidence, packets } = told.draft;
  const { attempt, tuple } = subject;
  if (!OF_POLICIES.has(cause) || direction === null || subject.policies[direction].verdict !== 'denied') return false;
  if (attempt.tuple !== tuple || (packets !== undefined && packets !== attempt.packets.length)) return false;
  const observed = told.draft.basis === 'observed';
  // Without the rule, a log line is held against the time at which conntrack confirmed the connection.
  if (attempt.packets.length > 0 !== observed || (observed && !told.draft.chainRule)) return false;
  return isSame(evidence ?? [], evidenceLike(told, attempt));
}
