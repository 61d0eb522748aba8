import { protocolFromName } from '@whydrop/model';
import type {
  Cause,
  EvidenceItem,
  ExplainedEnd,
  Explanation,
  Instant,
  OriginalDestination,
  PolicyDirection,
  Verdict,
} from '@whydrop/model';
import { rowsAsJson } from './as-json.js';
import { Params, conditionSql, type Condition, type FieldSql } from './condition.js';
import { afterSql, COUNT_LIMIT, instantParam, microsOf, pageSql } from './page.js';
import type { PageRequest, SortColumn, TimeRange } from './page.js';
import type { Reader, Statement } from './reader.js';
import { seenSentence } from './scope/sentence.js';

/** What the column `detail` of a drop holds: the part of a drop that nothing filters by. */
export interface DropDetail {
  readonly source: ExplainedEnd;
  readonly destination: ExplainedEnd;
  readonly original?: OriginalDestination;
  readonly translatedSource?: string;
  readonly evidence: readonly EvidenceItem[];
  readonly sentence: string;
  /** What is not shown to a reader that is limited to namespaces. */
  readonly withheld?: readonly string[];
}

/** One drop with what it shares with its group. */
export interface DropRow {
  readonly id: string;
  readonly cluster: string;
  readonly groupId: string;
  readonly explanationId: string;
  readonly firstSeenAt: Instant;
  readonly lastSeenAt: Instant;
  readonly sourcePort: number | null;
  readonly destinationPort: number | null;
  readonly protocol: string;
  readonly attempts: number;
  readonly packets: number;
  readonly verdict: Verdict;
  readonly cause: Cause;
  readonly direction: PolicyDirection | null;
  readonly detail: DropDetail;
}

/** What an explanation row holds; evidence and sentence are the drop's own. */
export type ExplanationBody = Omit<Explanation, 'evidence' | 'sentence'>;

export const GROUP_FIELDS = {
  cluster: { type: 'text', any: ['c.name'] },
  namespace: { type: 'text', any: ['g.source_namespace', 'g.destination_namespace'] },
  sourceNamespace: { type: 'text', any: ['g.source_namespace'] },
  destinationNamespace: { type: 'text', any: ['g.destination_namespace'] },
  workload: {
    type: 'text',
    any: [
      'g.source_name',
      `g.source_namespace || '/' || g.source_name`,
      'g.destination_name',
      `g.destination_namespace || '/' || g.destination_name`,
    ],
  },
  sourceWorkload: { type: 'text', any: ['g.source_name', `g.source_namespace || '/' || g.source_name`] },
  destinationWorkload: {
    type: 'text',
    any: ['g.destination_name', `g.destination_namespace || '/' || g.destination_name`],
  },
  // Kind/namespace/name; the namespace of a global policy is empty.
  policy: {
    type: 'text',
    any: ['p', `ltrim(substr(p, strpos(p, '/') + 1), '/')`, `split_part(p, '/', 3)`],
    each: { array: 'g.policies', as: 'p' },
    whole: { shape: /^[^/]+\/[^/]*\/[^/]+$/, array: 'g.policies' },
  },
  policyKind: { type: 'text', any: [`split_part(p, '/', 1)`], each: { array: 'g.policies', as: 'p' } },
  port: { type: 'int', any: ['g.destination_port'] },
  protocol: { type: 'text', any: ['g.protocol'], value: (name: string) => protocolFromName(name) ?? name },
  cause: { type: 'text', any: ['g.cause'] },
  verdict: { type: 'text', any: ['g.verdict'] },
  direction: { type: 'text', any: ['g.direction'] },
  basis: { type: 'text', any: ['g.basis'] },
  node: { type: 'text', any: ['g.node'] },
} satisfies Record<string, FieldSql>;

function explained(expression: string): string {
  return `(SELECT ${expression} FROM explanation x WHERE x.id = d.explanation_id)`;
}

const DROP_FIELDS = {
  ...GROUP_FIELDS,
  // Drops of one group may rest on different evidence; the group shows its latest drop's.
  basis: { type: 'text', any: [explained(`x.body ->> 'basis'`)] },
  node: { type: 'text', any: [explained(`x.body #>> '{enforcementPoint,node}'`)] },
  group: { type: 'text', any: ['d.group_id'] },
  address: { type: 'inet', any: ['d.source', 'd.destination'] },
  sourceAddress: { type: 'inet', any: ['d.source'] },
  destinationAddress: { type: 'inet', any: ['d.destination'] },
  sentence: { type: 'text', any: [`d.detail ->> 'sentence'`] },
} satisfies Record<string, FieldSql>;

export type GroupCondition = Condition<keyof typeof GROUP_FIELDS>;
export type DropCondition = Condition<keyof typeof DROP_FIELDS>;

const COLUMNS = `
SELECT d.id, c.name AS cluster, d.group_id AS "groupId", d.explanation_id AS "explanationId",
       ${microsOf('d.first_seen_at')} AS "firstSeenAt", ${microsOf('d.last_seen_at')} AS "lastSeenAt",
       d.source_port AS "sourcePort", d.destination_port AS "destinationPort", d.protocol, d.attempts, d.packets,
       g.verdict, g.cause, g.direction, d.detail`;
const JOINED = `
JOIN drop_group g ON g.id = d.group_id
JOIN cluster c ON c.id = d.cluster_id`;

export const DROP_SORT: readonly SortColumn[] = [
  { sql: 'd.first_seen_at', type: 'instant' },
  { sql: 'd.id', type: 'text' },
];

/** Sort values of a row, in the order of DROP_SORT. */
export function dropSortKey(row: DropRow): readonly string[] {
  return [String(row.firstSeenAt), row.id];
}

function whereSql(range: TimeRange, condition: DropCondition, params: Params): string {
  const from = `d.first_seen_at >= ${instantParam(params, range.from)}`;
  const to = range.to === undefined ? 'true' : `d.first_seen_at < ${instantParam(params, range.to)}`;
  return `WHERE ${from}\n  AND ${to}\n  AND ${conditionSql(DROP_FIELDS, condition, params)}`;
}

// Raw lines are most of a drop's bytes.
const BRIEF = COLUMNS.replace(/d\.detail$/, `d.detail || '{"evidence": []}' AS detail`);

/** Drops first seen in the range, of one page; with `evidence` false their evidence is empty. */
export function dropsStatement(
  range: TimeRange,
  condition: DropCondition,
  page: PageRequest,
  evidence = true,
): Statement {
  const params = new Params();
  const where = whereSql(range, condition, params);
  const after = afterSql(DROP_SORT, page, params);
  const text = `${evidence ? COLUMNS : BRIEF}\nFROM "drop" d${JOINED}\n${where}\n  AND ${after}\n${pageSql(DROP_SORT, page, params)}`;
  return { text, values: params.values };
}

/**
 * The same page, found by way of the groups that the condition leaves: for one that leaves few of them. Where drops are
 * read by time all others of the range are passed over.
 */
export function dropsByGroupStatement(
  range: TimeRange,
  condition: GroupCondition,
  page: PageRequest,
  evidence = true,
): Statement {
  const params = new Params();
  const [from, to] = [range.from, range.to ?? null].map((at) => (at === null ? null : instantParam(params, at)));
  const groups = `g.last_seen_at >= ${from}${to ? `\n  AND g.first_seen_at < ${to}` : ''}`;
  const drops = `o.first_seen_at >= ${from}${to ? ` AND o.first_seen_at < ${to}` : ''}`;
  const where = conditionSql(GROUP_FIELDS, condition, params);
  const own = DROP_SORT.map((column) => ({ ...column, sql: column.sql.replace('d.', 'o.') }));
  const text = `${evidence ? COLUMNS : BRIEF}
FROM drop_group g
JOIN cluster c ON c.id = g.cluster_id
CROSS JOIN LATERAL (
  SELECT o.* FROM "drop" o WHERE o.group_id = g.id AND ${drops} AND ${afterSql(own, page, params)}
  ${pageSql(own, page, params)}) d
WHERE ${groups}
  AND ${where}
${pageSql(DROP_SORT, page, params)}`;
  return { text, values: params.values };
}

/** How many drops the range and the condition have, counted up to COUNT_LIMIT + 1. */
export function dropCountStatement(range: TimeRange, condition: DropCondition): Statement {
  const params = new Params();
  const where = whereSql(range, condition, params);
  const text = `SELECT count(*)::int AS count FROM (\nSELECT FROM "drop" d${JOINED}\n${where}\nLIMIT ${COUNT_LIMIT + 1}) found`;
  return { text, values: params.values };
}

/** A drop with the id that it was asked for by: its own, or one under which it was told before. */
export interface AskedDropRow extends DropRow {
  readonly askedAs: string;
}

/** Drops of these ids, in no order; also of ids that they had before more was known of them. */
export function dropsByIdStatement(ids: readonly string[]): Statement {
  const text = `${COLUMNS}, asked."askedAs"
FROM (SELECT id AS "askedAs", id FROM unnest($1::text[]) AS id
      UNION ALL SELECT f.id, f.drop_id FROM "former_drop_id" f WHERE f.id = ANY ($1::text[])) asked
JOIN "drop" d ON d.id = asked.id${JOINED}`;
  return { text, values: [ids] };
}

/** Of drops with these ids, now or before more was known of them, those that the condition holds for; the oldest first. */
export function observedDropsStatement(ids: readonly string[], condition: DropCondition): Statement {
  const params = new Params();
  const asked = params.add(ids, 'text[]');
  const text = `${COLUMNS}
FROM (SELECT unnest(${asked}) AS id UNION SELECT f.drop_id FROM "former_drop_id" f WHERE f.id = ANY (${asked})) asked
JOIN "drop" d ON d.id = asked.id${JOINED}
WHERE ${conditionSql(DROP_FIELDS, condition, params)}
ORDER BY d.first_seen_at, d.id`;
  return { text, values: params.values };
}

/** The newest drop of each of these groups. */
export function latestDropsStatement(groupIds: readonly string[]): Statement {
  const text = `${COLUMNS}
FROM unnest($1::text[]) AS wanted (id)
JOIN drop_group g ON g.id = wanted.id
JOIN cluster c ON c.id = g.cluster_id
CROSS JOIN LATERAL (
  SELECT * FROM "drop" WHERE group_id = g.id AND first_seen_at <= g.last_seen_at
  ORDER BY first_seen_at DESC, id DESC LIMIT 1) d`;
  return { text, values: [groupIds] };
}

export function explanationsStatement(ids: readonly string[]): Statement {
  return { text: 'SELECT id, body FROM explanation WHERE id = ANY ($1::text[])', values: [ids] };
}

/** What is withheld from a reader who is limited to namespaces may be the sentence. */
function withSentence(row: DropRow): DropRow {
  if ((row.detail.sentence as string | undefined) !== undefined) return row;
  return { ...row, detail: { ...row.detail, sentence: seenSentence(row) } };
}

/** Runs a statement that gives drops. */
export async function readDrops(reader: Reader, statement: Statement): Promise<readonly DropRow[]> {
  return (await rowsAsJson<DropRow>(reader, statement)).map(withSentence);
}

/** Reads drops by ids that they have or had. */
export async function readDropsById(reader: Reader, ids: readonly string[]): Promise<readonly AskedDropRow[]> {
  return (await readDrops(reader, dropsByIdStatement(ids))) as readonly AskedDropRow[];
}

/** Runs a statement that counts; undefined when there are more than COUNT_LIMIT. */
export async function readCount(reader: Reader, statement: Statement): Promise<number | undefined> {
  const count = (await reader.rows<{ readonly count: number }>(statement))[0]?.count ?? 0;
  return count > COUNT_LIMIT ? undefined : count;
}

export async function readExplanations(
  reader: Reader,
  ids: readonly string[],
): Promise<readonly { readonly id: string; readonly body: ExplanationBody }[]> {
  return reader.rows(explanationsStatement(ids));
}
