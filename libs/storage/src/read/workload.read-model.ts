import type { Instant } from '@whydrop/model';
import { conditionSql, Params, type Condition, type FieldSql } from './condition.js';
import { afterSql, COUNT_LIMIT, instantParam, microsOf, pageSql } from './page.js';
import type { PageRequest, SortColumn, TimeRange } from './page.js';
import type { Reader, Statement } from './reader.js';

/** A workload that was an end of blocked connections. Sums are those of its drop groups, over all that is kept of them. */
export interface WorkloadRow {
  /** `cluster/kind/namespace/name`. */
  readonly key: string;
  readonly cluster: string;
  readonly kind: string;
  readonly namespace: string | null;
  readonly name: string;
  readonly blockedFrom: string;
  readonly blockedTo: string;
  readonly lastSeenAt: Instant;
}

const FIELDS = {
  cluster: { type: 'text', any: ['w.cluster'] },
  kind: { type: 'text', any: ['w.kind'] },
  namespace: { type: 'text', any: ['w.namespace'] },
  name: { type: 'text', any: ['w.name', `w.namespace || '/' || w.name`] },
} satisfies Record<string, FieldSql>;

export type WorkloadCondition = Condition<keyof typeof FIELDS>;

export const WORKLOAD_SORT: readonly SortColumn[] = [{ sql: 'w.key', type: 'text' }];

function workloadsSql(range: TimeRange, params: Params): string {
  const from = `g.last_seen_at >= ${instantParam(params, range.from)}`;
  const to = range.to === undefined ? 'true' : `g.first_seen_at < ${instantParam(params, range.to)}`;
  return `(
SELECT c.name || '/' || e.kind || '/' || coalesce(e.namespace, '') || '/' || e.name AS key, c.name AS cluster, e.kind, e.namespace, e.name,
       coalesce(sum(g.drops) FILTER (WHERE e.source), 0)::text AS "blockedTo",
       coalesce(sum(g.drops) FILTER (WHERE NOT e.source), 0)::text AS "blockedFrom", ${microsOf('max(g.last_seen_at)')} AS "lastSeenAt"
FROM drop_group g
JOIN cluster c ON c.id = g.cluster_id
CROSS JOIN LATERAL (VALUES
  (true, g.source_kind, g.source_namespace, g.source_name),
  (false, g.destination_kind, g.destination_namespace, g.destination_name)) AS e (source, kind, namespace, name)
WHERE ${from}
  AND ${to}
  AND g.verdict IN ('dropped', 'rejected') AND e.namespace IS NOT NULL
GROUP BY c.name, e.kind, e.namespace, e.name) w`;
}

/** Workloads that were blocked, or others were blocked from, in the range; of one page. */
export function workloadsStatement(range: TimeRange, condition: WorkloadCondition, page: PageRequest): Statement {
  const params = new Params();
  const workloads = workloadsSql(range, params);
  const where = conditionSql(FIELDS, condition, params);
  const after = afterSql(WORKLOAD_SORT, page, params);
  const text = `SELECT * FROM ${workloads}\nWHERE ${where}\n  AND ${after}\n${pageSql(WORKLOAD_SORT, page, params)}`;
  return { text, values: params.values };
}

export function workloadCountStatement(range: TimeRange, condition: WorkloadCondition): Statement {
  const params = new Params();
  const workloads = workloadsSql(range, params);
  const where = conditionSql(FIELDS, condition, params);
  const text = `SELECT count(*)::int AS count FROM (SELECT FROM ${workloads}\nWHERE ${where}\nLIMIT ${COUNT_LIMIT + 1}) found`;
  return { text, values: params.values };
}

/** Workloads by their keys, over all time. */
export function workloadsByKeyStatement(keys: readonly string[]): Statement {
  const params = new Params();
  const workloads = workloadsSql({ from: 0, to: undefined }, params);
  return {
    text: `SELECT * FROM ${workloads}\nWHERE w.key = ANY (${params.add(keys, 'text[]')})`,
    values: params.values,
  };
}

export async function readWorkloads(reader: Reader, statement: Statement): Promise<readonly WorkloadRow[]> {
  type Raw = Omit<WorkloadRow, 'lastSeenAt'> & { readonly lastSeenAt: bigint };
  return (await reader.rows<Raw>(statement)).map((row) => ({ ...row, lastSeenAt: Number(row.lastSeenAt) }));
}
