import type { Instant } from './time.js';

/**
 * One sample of a counter or gauge that a node or a plugin exposes: a line of a Prometheus scrape, a column of
 * `conntrack -S`. The value is absolute; differences and resets are somebody else's business.
 */
export interface MetricSample {
  readonly kind: 'metric';
  readonly observedAt: Instant;
  /** As exposed: `weavenpc_blocked_connections_total`; for kernel tables `conntrack_insert_failed`, `netstat_TcpExt_ListenOverflows`. */
  readonly name: string;
  readonly type: 'counter' | 'gauge' | 'histogram' | 'summary' | 'untyped';
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
  /** The line; for a column of a table only its name and value. */
  readonly raw: string;
  readonly line: number;
}
