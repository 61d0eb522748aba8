import { hash } from 'node:crypto';
import {
  type Cause,
  type Drop,
  type EvidenceItem,
  type Instant,
  reversedTuple,
  tupleHash,
  tupleKey,
  type Tuple,
} from '@whydrop/model';
import { openCase } from './case.js';
import { decide } from './decide.js';
import { ALLOWED, PENDING } from './draft.js';
import { likenesses } from './likeness.js';
import { relatedFlows } from './related.js';
import { SETTLE_MICROS } from './conntrack-rung.js';
import { byCommonTime, type ClockOffsets, clockOffsets, onOneClock } from './skew.js';
import type { Surroundings } from './surroundings.js';
import { evidenceLike, explained, isShared, type Told, toldOf } from './told.js';
import { type Attempt, attemptsOf, type Witnesses } from './witness.js';

/** A drop with the hash under which its connection is found again. */
export interface CorrelatedDrop {
  readonly drop: Drop;
  readonly connectionKey: number;
  /** When it was first seen, by the clock of the node that ended it: what that node's counters go by. */
  readonly enforcedAt: Instant;
  /** The same for drops of one run that differ in source ports, times and evidence only; without it, like no other. */
  readonly like?: object;
  /** What was seen of it. */
  readonly attempt?: Attempt;
}

interface Decided {
  readonly attempt: Attempt;
  readonly tuple: Tuple;
  readonly sourcePort: number | undefined;
  readonly told: Told;
  readonly evidence: readonly EvidenceItem[];
  /** Packets that the datapath itself showed. */
  readonly logged: number | undefined;
}

/** Hex, so that it can be typed, selected and given to a command as it is. */
function dropId(cluster: string, key: string, firstSeenAt: Instant): string {
  return hash('sha256', `${cluster}\n${key}\n${firstSeenAt}`, 'hex').slice(0, 20);
}

/**
 * Packets of each attempt, never more than its counter has: what logs saw belongs to their attempt; what is left of a
 * counter belongs to the one attempt that rests on it, and stays unattributed when several do.
 */
function attribute(decided: readonly Decided[]): (item: Decided) => number {
  const shown = new Map<string, number>();
  const resting = new Map<string, number>();
  for (const { told, logged } of decided) {
    const key = told.counter;
    if (key === undefined) continue;
    if (logged !== undefined) shown.set(key, (shown.get(key) ?? 0) + logged);
    else resting.set(key, (resting.get(key) ?? 0) + 1);
  }
  return ({ told: { counter, draft }, logged }) => {
    if (logged !== undefined) return logged;
    // A rule that all workloads of the node share counted others too: then one packet is all that is known.
    const own = draft.chainRule?.owner?.workload !== undefined;
    if (counter === undefined || resting.get(counter) !== 1 || !own) return 1;
    return Math.max(1, Number(draft.counted ?? 1n) - (shown.get(counter) ?? 0));
  };
}

function dropOf(item: Decided, packets: number, cluster: string, clocks: ClockOffsets): CorrelatedDrop {
  const { attempt, tuple, told, evidence } = item;
  const { source, destination, original, translatedSource } = told;
  return {
    connectionKey: tupleHash(tuple),
    enforcedAt: attempt.firstSeenAt + (clocks.get(told.node ?? '') ?? 0),
    like: told.like,
    attempt,
    drop: {
      id: dropId(cluster, attempt.key, attempt.firstSeenAt),
      cluster,
      firstSeenAt: attempt.firstSeenAt,
      lastSeenAt: attempt.lastSeenAt,
      source,
      sourcePort: item.sourcePort,
      destination,
      destinationPort: tuple.destinationPort,
      protocol: tuple.protocol,
      original,
      translatedSource,
      attempts: 1,
      packets,
      explanation: explained(told.shared(), evidence),
    },
  };
}

const OF_AN_ANSWER: ReadonlySet<Cause> = new Set(['REVERSED_REPLY', 'ASYMMETRIC', 'CT_INVALID']);

/** A connection whose answer was dropped is told by that drop: that it stayed without an answer is the same thing again. */
function withoutAnswered(decided: readonly Decided[]): readonly Decided[] {
  const answers = decided.filter(({ told }) => OF_AN_ANSWER.has(told.draft.cause));
  if (answers.length === 0) return decided;
  const asked = new Set(answers.map(({ tuple }) => tupleKey(reversedTuple(tuple))));
  return decided.filter(
    ({ attempt, tuple, told }) =>
      attempt.packets.length > 0 || told.draft.basis === 'counted' || !asked.has(tupleKey(tuple)),
  );
}

/** Whether an attempt that only conntrack saw can be judged by now. */
function isSettled({ packets, flows, firstSeenAt }: Attempt, surroundings: Surroundings): boolean {
  if (packets.length > 0) return true;
  return flows.some(({ node }) => (surroundings.conntrackWatermark(node) ?? -Infinity) >= firstSeenAt + SETTLE_MICROS);
}

/** Decides attempts; the first of like ones stands for all of them. */
function decider(surroundings: Surroundings, witnesses: Witnesses, clocks: ClockOffsets) {
  const related = relatedFlows(witnesses);
  const likenessOf = likenesses(surroundings);
  const shared = new Map<string, Told>();
  return (attempt: Attempt): Decided | undefined => {
    const view = surroundings.history.at(attempt.firstSeenAt);
    const likeness = likenessOf(attempt, view);
    const known = likeness === undefined ? undefined : shared.get(likeness);
    if (known && isSettled(attempt, surroundings)) {
      const { packets, tuple } = attempt;
      const logged = known.draft.packets === undefined ? undefined : packets.length;
      return {
        attempt,
        tuple,
        sourcePort: tuple.sourcePort,
        told: known,
        evidence: evidenceLike(known, attempt),
        logged,
      };
    }
    const subject = openCase(attempt, surroundings, related);
    const draft = decide(subject);
    if (draft === ALLOWED || draft === PENDING) return undefined;
    const told = toldOf(subject, draft, clocks);
    if (likeness !== undefined && isShared(subject, told)) shared.set(likeness, told);
    const { tuple, sourcePort } = subject;
    return { attempt, tuple, sourcePort, told, evidence: draft.evidence ?? [], logged: draft.packets };
  };
}

/**
 * Turns everything that was seen into the drops it amounts to, each explained. Pure: the same witnesses and surroundings
 * give the same drops, whatever the order in which they came. Attempts that succeeded, or may still, give none.
 */
export function correlate(witnesses: Witnesses, surroundings: Surroundings): readonly CorrelatedDrop[] {
  const clocks = surroundings.clocks ?? clockOffsets(witnesses);
  const around = byCommonTime(surroundings, clocks);
  const moved = onOneClock(witnesses, clocks);
  const decideOne = decider(around, moved, clocks);
  const decided = attemptsOf(moved)
    .map(decideOne)
    .filter((each) => each !== undefined);
  const told = withoutAnswered(decided);
  const packetsOf = attribute(told);
  return told.map((item) => dropOf(item, packetsOf(item), surroundings.cluster, clocks));
}
