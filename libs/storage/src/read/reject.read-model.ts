import type { Instant, RejectReason } from '@whydrop/model';
import { conditionSql, Params, type Condition, type FieldSql } from './condition.js';
import { afterSql, COUNT_LIMIT, instantParam, microsOf, pageSql } from './page.js';
import type { PageRequest, SortColumn, TimeRange } from './page.js';
import type { Reader, Statement } from './reader.js';

/** A record that was not understood, with where it came from. */
export interface RejectRow {
  readonly batchId: string;
  readonly ordinal: number;
  readonly cluster: string;
  readonly node: string | null;
  readonly stream: string;
  readonly format: string;
  readonly line: number;
  readonly reason: RejectReason;
  readonly detail: string;
  readonly raw: string;
  readonly receivedAt: Instant;
}

const FIELDS = {
  cluster: { type: 'text', any: ['c.name'] },
  node: { type: 'text', any: ['e.node'] },
  stream: { type: 'text', any: ['b.stream'] },
  format: { type: 'text', any: ['b.format'] },
  reason: { type: 'text', any: ['r.reason'] },
  batch: { type: 'text', any: ['r.batch_id::text'] },
} satisfies Record<string, FieldSql>;

export type RejectCondition = Condition<keyof typeof FIELDS>;

export const REJECT_SORT: readonly SortColumn[] = [
  { sql: 'r.received_at', type: 'instant' },
  { sql: 'r.batch_id', type: 'bigint' },
  { sql: 'r.ordinal', type: 'bigint' },
];

export function rejectSortKey(row: RejectRow): readonly string[] {
  return [String(row.receivedAt), row.batchId, String(row.ordinal)];
}

const FROM = `
FROM reject r
JOIN raw_batch b ON b.id = r.batch_id
JOIN emitter e ON e.id = b.emitter_id
JOIN cluster c ON c.id = e.cluster_id`;

const SELECT = `
SELECT r.batch_id::text AS "batchId", r.ordinal, c.name AS cluster, nullif(e.node, '') AS node, b.stream, b.format,
       r.line, r.reason, r.detail, r.raw, ${microsOf('r.received_at')} AS "receivedAt"${FROM}`;

function whereSql(range: TimeRange, condition: RejectCondition, params: Params): string {
  const from = `r.received_at >= ${instantParam(params, range.from)}`;
  const to = range.to === undefined ? 'true' : `r.received_at < ${instantParam(params, range.to)}`;
  return `WHERE ${from}\n  AND ${to}\n  AND ${conditionSql(FIELDS, condition, params)}`;
}

/** Rejects received in the range, of one page. */
export function rejectsStatement(range: TimeRange, condition: RejectCondition, page: PageRequest): Statement {
  const params = new Params();
  const where = whereSql(range, condition, params);
  const after = afterSql(REJECT_SORT, page, params);
  return { text: `${SELECT}\n${where}\n  AND ${after}\n${pageSql(REJECT_SORT, page, params)}`, values: params.values };
}

/** How many rejects the range and the condition have, counted up to COUNT_LIMIT + 1. */
export function rejectCountStatement(range: TimeRange, condition: RejectCondition): Statement {
  const params = new Params();
  const where = whereSql(range, condition, params);
  return {
    text: `SELECT count(*)::int AS count FROM (\nSELECT${FROM}\n${where}\nLIMIT ${COUNT_LIMIT + 1}) found`,
    values: params.values,
  };
}

export async function readRejects(reader: Reader, statement: Statement): Promise<readonly RejectRow[]> {
  type Raw = Omit<RejectRow, 'receivedAt'> & { readonly receivedAt: bigint };
  const rows = await reader.rows<Raw>(statement);
  return rows.map((row) => ({ ...row, receivedAt: Number(row.receivedAt) }));
}
