import type { Basis, Cause, Change, Instant, PolicyDirection, Verdict } from '@whydrop/model';
import { conditionSql, Params } from './condition.js';
import { GROUP_FIELDS, type GroupCondition } from './drop.read-model.js';
import { afterSql, COUNT_LIMIT, instantParam, microsOf, pageSql } from './page.js';
import type { PageRequest, SortColumn, TimeRange } from './page.js';
import type { Reader, Statement } from './reader.js';

/** Drops with the same ends, port, direction, cause and deciding rule, with totals over all time. */
export interface DropGroupRow {
  readonly id: string;
  readonly cluster: string;
  readonly verdict: Verdict;
  readonly cause: Cause;
  readonly direction: PolicyDirection | null;
  readonly basis: Basis;
  readonly protocol: string;
  readonly destinationPort: number | null;
  readonly sourceKind: string;
  readonly sourceNamespace: string | null;
  readonly sourceName: string;
  readonly destinationKind: string;
  readonly destinationNamespace: string | null;
  readonly destinationName: string;
  readonly node: string | null;
  /** `Kind/namespace/name` of every policy that isolates or denies. */
  readonly policies: readonly string[];
  readonly firstSeenAt: Instant;
  readonly lastSeenAt: Instant;
  readonly drops: bigint;
  readonly attempts: bigint;
  readonly packets: bigint;
  readonly explanationId: string;
  /** What changed in the cluster just before the first drop; null in rows of an older version. */
  readonly changes: readonly Change[] | null;
}

const SELECT = `
SELECT g.id, c.name AS cluster, g.verdict, g.cause, g.direction, g.basis, g.protocol,
       g.destination_port AS "destinationPort", g.source_kind AS "sourceKind", g.source_namespace AS "sourceNamespace",
       g.source_name AS "sourceName", g.destination_kind AS "destinationKind",
       g.destination_namespace AS "destinationNamespace", g.destination_name AS "destinationName", g.node, g.policies,
       ${microsOf('g.first_seen_at')} AS "firstSeenAt", ${microsOf('g.last_seen_at')} AS "lastSeenAt",
       g.drops, g.attempts, g.packets, g.explanation_id AS "explanationId", g.changes
FROM drop_group g
JOIN cluster c ON c.id = g.cluster_id`;

const ID: SortColumn = { sql: 'g.id', type: 'text' };

/** What groups can be sorted by. */
export const GROUP_SORTS = {
  lastSeenAt: [{ sql: 'g.last_seen_at', type: 'instant' }, ID],
  firstSeenAt: [{ sql: 'g.first_seen_at', type: 'instant' }, ID],
  drops: [{ sql: 'g.drops', type: 'bigint' }, ID],
  packets: [{ sql: 'g.packets', type: 'bigint' }, ID],
} as const satisfies Record<string, readonly SortColumn[]>;

export type GroupSort = keyof typeof GROUP_SORTS;

/** Sort values of a row, in the order of its sort. */
export function groupSortKey(row: DropGroupRow, sort: GroupSort): readonly string[] {
  return [String(row[sort]), row.id];
}

function whereSql(range: TimeRange, condition: GroupCondition, params: Params): string {
  const from = `g.last_seen_at >= ${instantParam(params, range.from)}`;
  const to = range.to === undefined ? 'true' : `g.first_seen_at < ${instantParam(params, range.to)}`;
  return `WHERE ${from}\n  AND ${to}\n  AND ${conditionSql(GROUP_FIELDS, condition, params)}`;
}

/** Groups that were seen in the range, of one page. */
export function groupsStatement(
  range: TimeRange,
  condition: GroupCondition,
  sort: GroupSort,
  page: PageRequest,
): Statement {
  const params = new Params();
  const where = whereSql(range, condition, params);
  const after = afterSql(GROUP_SORTS[sort], page, params);
  const text = `${SELECT}\n${where}\n  AND ${after}\n${pageSql(GROUP_SORTS[sort], page, params)}`;
  return { text, values: params.values };
}

/**
 * The same page for a condition that leaves few groups: they are found first and put in order then. Read in order, all others
 * of the range would be passed over.
 */
export function fewGroupsStatement(
  range: TimeRange,
  condition: GroupCondition,
  sort: GroupSort,
  page: PageRequest,
): Statement {
  const params = new Params();
  const found = `SELECT g.* FROM drop_group g\nJOIN cluster c ON c.id = g.cluster_id\n${whereSql(range, condition, params)}`;
  // OFFSET 0 keeps the planner from reading in order all the same
  const text = `${SELECT.replace('FROM drop_group g', `FROM (${found}\nOFFSET 0) g`)}
WHERE ${afterSql(GROUP_SORTS[sort], page, params)}
${pageSql(GROUP_SORTS[sort], page, params)}`;
  return { text, values: params.values };
}

/** How many groups the range and the condition have, counted up to COUNT_LIMIT + 1. */
export function groupCountStatement(range: TimeRange, condition: GroupCondition): Statement {
  const params = new Params();
  const where = whereSql(range, condition, params);
  const from = 'SELECT FROM drop_group g\nJOIN cluster c ON c.id = g.cluster_id';
  return {
    text: `SELECT count(*)::int AS count FROM (\n${from}\n${where}\nLIMIT ${COUNT_LIMIT + 1}) found`,
    values: params.values,
  };
}

/** Groups of these ids, in no order. */
export function groupsByIdStatement(ids: readonly string[]): Statement {
  return { text: `${SELECT}\nWHERE g.id = ANY ($1::text[])`, values: [ids] };
}

type Raw = Omit<DropGroupRow, 'firstSeenAt' | 'lastSeenAt'> & {
  readonly firstSeenAt: bigint;
  readonly lastSeenAt: bigint;
};

/** Runs a statement that gives groups. */
export async function readGroups(reader: Reader, statement: Statement): Promise<readonly DropGroupRow[]> {
  const rows = await reader.rows<Raw>(statement);
  return rows.map((row) => ({ ...row, firstSeenAt: Number(row.firstSeenAt), lastSeenAt: Number(row.lastSeenAt) }));
}
