import { createHash } from 'node:crypto';
import {
  type Cause,
  type Drop,
  type Explanation,
  type Instant,
  reversedTuple,
  tupleHash,
  tupleKey,
} from '@whydrop/model';
import { type Case, openCase } from './case.js';
import { decide } from './decide.js';
import { ALLOWED, type Draft, PENDING } from './draft.js';
import { fixOf } from './fix.js';
import { relatedFlows } from './related.js';
import { sentenceOf } from './sentence.js';
import { byCommonTime, clockAssumptions, type ClockOffsets, clockOffsets, onOneClock } from './skew.js';
import type { Surroundings } from './surroundings.js';
import { attemptsOf, type Witnesses } from './witness.js';

/** A drop with the hash under which its connection is found again. */
export interface CorrelatedDrop {
  readonly drop: Drop;
  readonly connectionKey: number;
  /** When it was first seen, by the clock of the node that ended it: what that node's counters go by. */
  readonly enforcedAt: Instant;
}

interface Decided {
  readonly subject: Case;
  readonly draft: Draft;
}

/** Hex, so that it can be typed, selected and given to a command as it is. */
function dropId(cluster: string, key: string, firstSeenAt: Instant): string {
  return createHash('sha256').update(`${cluster}\n${key}\n${firstSeenAt}`).digest('hex').slice(0, 20);
}

function counterKey({ draft }: Decided): string | undefined {
  const rule = draft.chainRule;
  if (!rule || draft.counted === undefined) return undefined;
  return `${rule.node} ${rule.table} ${rule.chain} ${rule.text} ${draft.counted}`;
}

/**
 * Packets of each attempt, never more than its counter has: what logs saw belongs to their attempt; what is left of a
 * counter belongs to the one attempt that rests on it, and stays unattributed when several do.
 */
function attribute(decided: readonly Decided[]): ReadonlyMap<Decided, number> {
  const logged = new Map<string, number>();
  const resting = new Map<string, number>();
  for (const item of decided) {
    const key = counterKey(item);
    if (key === undefined) continue;
    if (item.draft.packets !== undefined) logged.set(key, (logged.get(key) ?? 0) + item.draft.packets);
    else resting.set(key, (resting.get(key) ?? 0) + 1);
  }
  const packetsOf = (item: Decided): number => {
    if (item.draft.packets !== undefined) return item.draft.packets;
    const key = counterKey(item);
    // A rule that all workloads of the node share counted others too: then one packet is all that is known.
    const own = item.draft.chainRule?.owner?.workload !== undefined;
    if (key === undefined || resting.get(key) !== 1 || !own) return 1;
    return Math.max(1, Number(item.draft.counted ?? 1n) - (logged.get(key) ?? 0));
  };
  return new Map(decided.map((item) => [item, packetsOf(item)]));
}

function nodeOf({ chainRule, enforcementPoint }: Draft): string | undefined {
  return chainRule?.node ?? enforcementPoint?.node;
}

function explanationOf({ subject, draft }: Decided, clocks: ClockOffsets): Explanation {
  const enforcedOn = nodeOf(draft);
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
    assumptions: [...(draft.assumptions ?? []), ...clockAssumptions(subject.attempt, enforcedOn, clocks)],
    missing: draft.missing ?? [],
    findings: draft.findings ?? [],
    fix: fixOf(subject, draft.cause, draft.contributing ?? []),
  };
  const { source, destination, tuple } = subject;
  const ends = { source, destination, destinationPort: tuple.destinationPort, protocol: tuple.protocol };
  const sentence = sentenceOf(told, { ...ends, counted: draft.counted });
  return { ...told, evidence: draft.evidence ?? [], sentence };
}

function dropOf(item: Decided, packets: number, clocks: ClockOffsets): CorrelatedDrop {
  const { subject, draft } = item;
  const { attempt, tuple, surroundings } = subject;
  return {
    connectionKey: tupleHash(tuple),
    enforcedAt: attempt.firstSeenAt + (clocks.get(nodeOf(draft) ?? '') ?? 0),
    drop: {
      id: dropId(surroundings.cluster, attempt.key, attempt.firstSeenAt),
      cluster: surroundings.cluster,
      firstSeenAt: attempt.firstSeenAt,
      lastSeenAt: attempt.lastSeenAt,
      source: subject.source,
      sourcePort: subject.sourcePort,
      destination: subject.destination,
      destinationPort: tuple.destinationPort,
      protocol: tuple.protocol,
      original: subject.original,
      translatedSource: subject.translatedSource,
      attempts: 1,
      packets,
      explanation: explanationOf(item, clocks),
    },
  };
}

const OF_AN_ANSWER: ReadonlySet<Cause> = new Set(['REVERSED_REPLY', 'ASYMMETRIC', 'CT_INVALID']);

/** A connection whose answer was dropped is told by that drop: that it stayed without an answer is the same thing again. */
function withoutAnswered(decided: readonly Decided[]): readonly Decided[] {
  const answers = decided.filter(({ draft }) => OF_AN_ANSWER.has(draft.cause));
  if (answers.length === 0) return decided;
  const asked = new Set(answers.map(({ subject }) => tupleKey(reversedTuple(subject.tuple))));
  return decided.filter(
    ({ subject: { attempt, tuple }, draft }) =>
      attempt.packets.length > 0 || draft.basis === 'counted' || !asked.has(tupleKey(tuple)),
  );
}

/**
 * Turns everything that was seen into the drops it amounts to, each explained. Pure: the same witnesses and surroundings
 * give the same drops, whatever the order in which they came. Attempts that succeeded, or may still, give none.
 */
export function correlate(witnesses: Witnesses, surroundings: Surroundings): readonly CorrelatedDrop[] {
  const clocks = surroundings.clocks ?? clockOffsets(witnesses);
  const around = byCommonTime(surroundings, clocks);
  const moved = onOneClock(witnesses, clocks);
  const related = relatedFlows(moved);
  const decided = attemptsOf(moved).flatMap((attempt): readonly Decided[] => {
    const subject = openCase(attempt, around, related);
    const draft = decide(subject);
    return draft === ALLOWED || draft === PENDING ? [] : [{ subject, draft }];
  });
  const told = withoutAnswered(decided);
  const packets = attribute(told);
  return told.map((item) => dropOf(item, packets.get(item) ?? 1, clocks));
}
