import type { AlertRule, Reading, SeriesState } from '@whydrop/alerting';
import type { Instant } from '@whydrop/model';
import type pg from 'pg';
import type { Seen } from './seen.js';

/** A rule as it is stored. */
export interface StoredRule {
  readonly id: string;
  readonly rule: AlertRule;
}

/** One rule, one cluster, the minutes to look at. */
export interface Target extends StoredRule {
  readonly client: pg.PoolClient;
  readonly clusterId: number;
  readonly cluster: string;
  readonly now: Instant;
  readonly seen: Seen;
  readonly minutes: readonly Minute[];
  readonly states: ReadonlyMap<string, SeriesState>;
}

export interface Minute {
  readonly bucket: Instant;
  readonly closed: boolean;
}

/** Judges a minute of one series, given what is remembered of it. */
export type Reader = (minute: Minute, state: SeriesState) => Reading;

export interface Series {
  readonly labels: Readonly<Record<string, string>>;
  readonly read: Reader;
}

export type SeriesByKey = ReadonlyMap<string, Series>;

/** A bucket in which a node that had reported was not seen says nothing: absence is not zero. */
export function knownOr(reading: Reading, { seen }: Target, state: SeriesState): Reading {
  const { heat } = reading.judgement;
  if (heat === 'hot' || heat === 'odd') return reading;
  const whole = seen.covered(reading.bucket) && state.nodes.every((node) => heard(seen, node, reading.bucket));
  return whole ? reading : { ...reading, judgement: { ...reading.judgement, heat: 'unknown' } };
}

const DAY = 86_400_000_000;

/** A node that has been away for a day holds nothing up any more. */
function heard(seen: Seen, node: string, bucket: Instant): boolean {
  const last = seen.last.get(node);
  return seen.node(node, bucket) || last === undefined || last < bucket - DAY;
}
