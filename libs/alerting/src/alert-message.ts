import type { Instant } from '@whydrop/model';

export type Severity = 'critical' | 'warning' | 'info';

/** One point of the trend that a message carries: drops (or counted packets) in `[from, from + step)`. `null`: not covered. */
export interface TrendPoint {
  readonly from: Instant;
  readonly value: number | null;
}

/** An end of a connection as people name it. */
export interface NamedEnd {
  readonly kind: string;
  readonly namespace: string | null;
  readonly name: string;
}

/** What a receiver is told of one alert: one message per change of its state. Everything in it is as of `at`. */
export interface AlertMessage {
  /** Stable for one alert from firing to resolved; a receiver's key for "the same incident". */
  readonly alertId: string;
  /** Rises by one with every message of the alert: the order in which a receiver has to see them. */
  readonly sequence: number;
  readonly status: 'firing' | 'resolved' | 'test';
  readonly at: Instant;
  readonly startsAt: Instant;
  /** null while it fires. */
  readonly endsAt: Instant | null;
  readonly ruleName: string;
  readonly ruleKind: string;
  readonly severity: Severity;
  readonly cluster: string;
  /** Identity of the alert within its rule; sorted by name, values never empty. */
  readonly labels: Readonly<Record<string, string>>;
  /** One line for a pager. */
  readonly summary: string;
  /** The explanation's sentence of the most frequent drop group behind the alert; null when no drop is behind it. */
  readonly sentence: string | null;
  readonly cause: string | null;
  /** `Kind/namespace/name`, the policies that isolate or deny. */
  readonly policies: readonly string[];
  readonly value: number;
  readonly expected: number | null;
  readonly topSources: readonly { readonly end: NamedEnd; readonly drops: number }[];
  readonly topDestinations: readonly { readonly end: NamedEnd; readonly drops: number }[];
  /** The pod that a Kubernetes Event would be about. */
  readonly pod: { readonly namespace: string; readonly name: string; readonly uid: string | null } | null;
  readonly trend: readonly TrendPoint[];
  /** What changed just before, newest first, one sentence each. */
  readonly changes: readonly string[];
  /** Path below the public address of Whydrop, `/?group=…`. */
  readonly path: string;
}
