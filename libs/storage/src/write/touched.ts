import { DROP_METRICS, HOST_METRICS } from '@whydrop/explain';
import type { Instant } from '@whydrop/model';
import { windowStart } from '@whydrop/rollup';
import { type Span, unionOf } from '../correlation/spans.js';
import { DAY_MICROS } from './period.js';
import type { Sorted } from './sorted.js';

/** Which times a stored batch bears on: what correlation has to look at again. `to` null: until now. */
export interface Touched {
  /** Times of records that can be witnesses of a drop. */
  readonly evidence: readonly [Instant, Instant] | null;
  /** Times of node snapshots: they bear on what happened between them and their neighbours. */
  readonly snapshots: readonly [Instant, Instant] | null;
  /** Times of counters and aggregates without addresses. Absent in batches that an older version stored. */
  readonly counts?: readonly [Instant, Instant] | null;
  /** Times of counters of the node itself. Absent in batches that an older version stored. */
  readonly host?: readonly [Instant, Instant] | null;
  /** Times for which the cluster's objects, or what is known of coverage, changed. */
  readonly context: readonly [Instant, Instant | null] | null;
  /** First and last of the days in whose partitions its rows are. Absent in batches that an older version stored. */
  readonly kept?: readonly Span[];
}

function span(instants: readonly Instant[]): readonly [Instant, Instant] | null {
  if (instants.length === 0) return null;
  return [instants.reduce((a, b) => Math.min(a, b)), instants.reduce((a, b) => Math.max(a, b))];
}

/** Times of counters and aggregates without addresses. */
export function countingTimes({ metrics, verdicts }: Sorted): readonly Instant[] {
  const counters = metrics.filter(({ name }) => DROP_METRICS.includes(name));
  const aggregates = verdicts.filter(({ ends }) => ends.source === undefined || ends.destination === undefined);
  return [...counters, ...aggregates].map((item) => item.observedAt);
}

/** Of what is partitioned by day. */
function daysOf({ flows, packets, rulesets, verdicts, metrics }: Sorted): readonly Span[] {
  const days = new Set<Instant>();
  for (const items of [flows, packets, rulesets, verdicts, metrics]) {
    for (const { observedAt } of items) days.add(windowStart(observedAt, DAY_MICROS));
  }
  return unionOf(
    [...days].map((day): Span => [day, day]),
    DAY_MICROS,
  );
}

/**
 * An attempt is held against the cluster as of some seconds after it, too, and the clock that stamped its records may lag
 * behind the one that it is set right by. In µs.
 */
const BESIDE = 300_000_000;

function contextOf({ interfaces }: Sorted, objectsFrom: Instant | undefined): Touched['context'] {
  const holdsThroughout = interfaces.some((snapshot) => snapshot.observedAt === undefined);
  if (holdsThroughout) return [0, null];
  return objectsFrom === undefined ? null : [Math.max(objectsFrom - BESIDE, 0), null];
}

/** What a stored batch bears on. `objectsFrom`: from when on the cluster's objects are others than before. */
export function touchedBy(sorted: Sorted, objectsFrom: Instant | undefined): Touched {
  const snapshots = [...sorted.notices, ...sorted.rulesets, ...sorted.ipsets, ...sorted.interfaces, ...sorted.hosts];
  return {
    evidence: span([...sorted.flows, ...sorted.packets, ...sorted.verdicts].map((item) => item.observedAt)),
    snapshots: span(snapshots.flatMap((item) => item.observedAt ?? [])),
    counts: span(countingTimes(sorted)),
    host: span(sorted.metrics.filter(({ name }) => HOST_METRICS.includes(name)).map((sample) => sample.observedAt)),
    context: contextOf(sorted, objectsFrom),
    kept: daysOf(sorted),
  };
}

function merged<T extends readonly [Instant, Instant | null]>(spans: readonly (T | null | undefined)[]): T | null {
  const known = spans.filter((span) => span !== null && span !== undefined);
  if (known.length === 0) return null;
  const open = known.some(([, to]) => to === null);
  const from = known.reduce((earliest, span) => Math.min(earliest, span[0]), Infinity);
  const to = open ? null : known.reduce((latest, span) => Math.max(latest, span[1] ?? latest), -Infinity);
  return [from, to] as unknown as T;
}

/** What the parts of a batch bear on, as if it had been stored as a whole. */
export function together(parts: readonly Touched[]): Touched {
  return {
    evidence: merged(parts.map((part) => part.evidence)),
    snapshots: merged(parts.map((part) => part.snapshots)),
    counts: merged(parts.map((part) => part.counts)),
    host: merged(parts.map((part) => part.host)),
    context: merged(parts.map((part) => part.context)),
    kept: unionOf(
      parts.flatMap((part) => part.kept ?? []),
      DAY_MICROS,
    ),
  };
}
