import type { AlertRule, Dimension, Measure } from '@whydrop/alerting';
import type { Instant } from '@whydrop/model';
import type pg from 'pg';
import { Params } from '../read/condition.js';
import { instantParam, microsOf } from '../read/page.js';
import { groupsSql, groupTable, keySql } from './keyed-sql.js';

export interface SeriesCounts {
  readonly at: ReadonlyMap<Instant, number>;
  /** Nodes where verdicts were given, minute by minute. */
  readonly nodes: ReadonlyMap<Instant, readonly string[]>;
}

type Span = readonly [Instant, Instant];

export type MeasuredRule = AlertRule & { readonly measure: Measure; readonly groupBy: readonly Dimension[] };

/** Counts of a rule's series, minute by minute, in some spans of time. `keys`: only these series. */
export async function loadCounts(
  client: pg.PoolClient,
  rule: MeasuredRule,
  clusterId: number,
  spans: readonly Span[],
  keys?: readonly string[],
): Promise<ReadonlyMap<string, SeriesCounts>> {
  const params = new Params();
  const cluster = params.add(clusterId, 'int');
  const within = spans.map(
    ([from, to]) => `(m.bucket >= ${instantParam(params, from)} AND m.bucket < ${instantParam(params, to)})`,
  );
  const ofKeys = keys === undefined ? 'true' : `${keySql(rule.groupBy)} = ANY (${params.add(keys, 'text[]')})`;
  const { rows } = await client.query<{ key: string; at: bigint; n: number; nodes: readonly string[] }>(
    `SELECT ${keySql(rule.groupBy)} AS key, ${microsOf('m.bucket')} AS at, sum(m.${rule.measure})::float8 AS n,
       array_agg(DISTINCT g.node) FILTER (WHERE g.node IS NOT NULL) AS nodes
  FROM drop_minute m JOIN ${groupTable(rule.measure)} g ON g.id = m.group_id
 WHERE m.cluster_id = ${cluster}
   AND (${within.join(' OR ')})
   AND ${groupsSql(rule, params)}
   AND ${ofKeys}
 GROUP BY 1, 2 HAVING sum(m.${rule.measure}) > 0`,
    params.values,
  );
  const series = new Map<string, { at: Map<Instant, number>; nodes: Map<Instant, readonly string[]> }>();
  for (const { key, at, n, nodes } of rows) {
    const one = series.get(key) ?? { at: new Map<Instant, number>(), nodes: new Map<Instant, readonly string[]>() };
    one.at.set(Number(at), n);
    one.nodes.set(Number(at), nodes ?? []);
    series.set(key, one);
  }
  return series;
}
