import type { Instant, PolicyDirection, Tuple } from '@whydrop/model';
import type { DriftCode } from '@whydrop/ruleset';
import type { FindingDetail, FindingSeverity } from '../correlation/findings.js';
import { conditionSql, Params, type Condition, type FieldSql } from './condition.js';
import { afterSql, COUNT_LIMIT, instantParam, microsOf, pageSql } from './page.js';
import type { PageRequest, SortColumn, TimeRange } from './page.js';
import type { Reader, Statement } from './reader.js';
import { seenFinding } from './scope/sentence.js';

/** A difference between what policies say and what a node runs, as long as it was there. */
export interface FindingRow {
  readonly id: string;
  readonly cluster: string;
  readonly node: string;
  readonly kind: DriftCode;
  readonly severity: FindingSeverity;
  readonly namespace: string | null;
  readonly workload: string | null;
  readonly direction: PolicyDirection | null;
  readonly subject: string | null;
  readonly policies: readonly string[];
  readonly sentence: string;
  readonly witness: Tuple | null;
  readonly decidedAt: Exclude<FindingDetail['decidedAt'], undefined> | null;
  readonly connections: number;
  readonly firstSeenAt: Instant;
  readonly lastSeenAt: Instant;
  readonly openedAt: Instant;
  readonly resolvedAt: Instant | null;
}

const FIELDS = {
  cluster: { type: 'text', any: ['c.name'] },
  node: { type: 'text', any: ['e.node'] },
  namespace: { type: 'text', any: ['f.namespace'] },
  workload: { type: 'text', any: ['f.workload'] },
  kind: { type: 'text', any: ['f.kind'] },
  severity: { type: 'text', any: ['f.severity'] },
  policy: { type: 'text', any: [`substr(p, strpos(p, '/') + 1)`], each: { array: 'f.policies', as: 'p' } },
  open: { type: 'bool', any: ['(f.resolved_at IS NULL)'] },
} satisfies Record<string, FieldSql>;

export type FindingCondition = Condition<keyof typeof FIELDS>;

export const FINDING_SORT: readonly SortColumn[] = [
  { sql: 'f.opened_at', type: 'instant' },
  { sql: 'f.id', type: 'text' },
];

export function findingSortKey(row: FindingRow): readonly string[] {
  return [String(row.openedAt), row.id];
}

const FROM = `
FROM reconciliation_finding f
JOIN emitter e ON e.id = f.emitter_id
JOIN cluster c ON c.id = f.cluster_id`;

const SELECT = `
SELECT f.id, c.name AS cluster, e.node, f.kind, f.severity, f.namespace, f.workload, f.direction, f.subject, f.policies,
       f.sentence, f.detail -> 'witness' AS witness, f.detail -> 'decidedAt' AS "decidedAt",
       (f.detail ->> 'count')::int AS connections, ${microsOf('f.first_seen_at')} AS "firstSeenAt",
       ${microsOf('f.last_seen_at')} AS "lastSeenAt", ${microsOf('f.opened_at')} AS "openedAt",
       ${microsOf('f.resolved_at')} AS "resolvedAt"${FROM}`;

function whereSql(range: TimeRange, condition: FindingCondition, params: Params): string {
  const from = `(f.resolved_at IS NULL OR f.resolved_at >= ${instantParam(params, range.from)})`;
  const to = range.to === undefined ? 'true' : `f.opened_at < ${instantParam(params, range.to)}`;
  return `WHERE f.opened_at IS NOT NULL\n  AND ${from}\n  AND ${to}\n  AND ${conditionSql(FIELDS, condition, params)}`;
}

/** Findings that were open at some time of the range, of one page. */
export function findingsStatement(range: TimeRange, condition: FindingCondition, page: PageRequest): Statement {
  const params = new Params();
  const where = whereSql(range, condition, params);
  const after = afterSql(FINDING_SORT, page, params);
  return { text: `${SELECT}\n${where}\n  AND ${after}\n${pageSql(FINDING_SORT, page, params)}`, values: params.values };
}

/** How many findings the range and the condition have, counted up to COUNT_LIMIT + 1. */
export function findingCountStatement(range: TimeRange, condition: FindingCondition): Statement {
  const params = new Params();
  const where = whereSql(range, condition, params);
  return {
    text: `SELECT count(*)::int AS count FROM (\nSELECT${FROM}\n${where}\nLIMIT ${COUNT_LIMIT + 1}) found`,
    values: params.values,
  };
}

type Times = 'firstSeenAt' | 'lastSeenAt' | 'openedAt' | 'resolvedAt';

export async function readFindings(reader: Reader, statement: Statement): Promise<readonly FindingRow[]> {
  type Raw = Omit<FindingRow, Times> & { readonly [time in Times]: bigint | null };
  const rows = await reader.rows<Raw>(statement);
  return rows.map(({ firstSeenAt, lastSeenAt, openedAt, resolvedAt, ...row }) => ({
    ...row,
    sentence: (row.sentence as string | null) ?? seenFinding(row),
    firstSeenAt: Number(firstSeenAt),
    lastSeenAt: Number(lastSeenAt),
    openedAt: Number(openedAt),
    resolvedAt: resolvedAt === null ? null : Number(resolvedAt),
  }));
}
