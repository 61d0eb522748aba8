import type { DataQuery } from '@grafana/schema';
import type { DataSourceJsonData } from '@grafana/data';

/** What is asked of Whydrop: one kind, one shape of frames. */
export type QueryKind = 'trend' | 'top' | 'drops' | 'graph' | 'alerts';

/** What blocked connections are added up by; the names of `TrendDimension` in Whydrop's schema. */
export const DIMENSIONS = [
  'CLUSTER',
  'NAMESPACE',
  'SOURCE_NAMESPACE',
  'DESTINATION_NAMESPACE',
  'SOURCE_WORKLOAD',
  'DESTINATION_WORKLOAD',
  'POLICY',
  'CAUSE',
  'DIRECTION',
  'VERDICT',
  'PROTOCOL',
  'PORT',
  'NODE',
] as const;
export type Dimension = (typeof DIMENSIONS)[number];

/** Which sum is drawn; the names of `TrendMeasure`. */
export const MEASURES = ['DROPS', 'ATTEMPTS', 'PACKETS', 'COUNTED'] as const;
export type Measure = (typeof MEASURES)[number];

/** What a trend is held against; the names of `TrendComparison`. */
export type Comparison = 'PREVIOUS_WINDOW' | 'SAME_TIME_LAST_WEEK';

/** Conditions that must all hold; each is met by any of its values. Values may be dashboard variables; `*` is anything. */
export interface Conditions {
  readonly clusters?: readonly string[];
  /** Of either end. */
  readonly namespaces?: readonly string[];
  /** name, namespace/name or kind/namespace/name. */
  readonly policies?: readonly string[];
  readonly causes?: readonly string[];
  /** Of either end: its name, or namespace/name. */
  readonly workloads?: readonly string[];
  readonly nodes?: readonly string[];
}
export const CONDITION_NAMES = ['clusters', 'namespaces', 'policies', 'causes', 'workloads', 'nodes'] as const;
export type ConditionName = (typeof CONDITION_NAMES)[number];

/** A query as a panel keeps it. What its kind has no use for is ignored. */
export interface WhydropQuery extends DataQuery {
  readonly kind: QueryKind;
  readonly where?: Conditions;
  /** trend: a series per value, at most 3. top: the first of them. */
  readonly groupBy?: readonly Dimension[];
  /** trend, top: so many; in a trend what is left is `other`. drops, graph, alerts: so many rows. */
  readonly limit?: number;
  readonly measure?: Measure;
  readonly compareWith?: Comparison;
  /** trend: length of a bucket, `5m`; without it as many buckets as the panel has room for. */
  readonly step?: string;
  readonly format?: 'logs' | 'table';
}

/** Readable by everybody who may look at a dashboard. */
export interface WhydropOptions extends DataSourceJsonData {
  /** Where Grafana reaches the API: `http://whydrop-api:4270`. */
  readonly url?: string;
  /** Where browsers reach the page, when it is another address. */
  readonly pageUrl?: string;
}

/** Kept by Grafana's server; never sent to a browser. */
export interface WhydropSecrets {
  readonly apiToken?: string;
}
