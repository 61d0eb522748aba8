import type { Instant } from '@whydrop/model';
import { conditionSql, Params, type Condition, type FieldSql } from './condition.js';
import { afterSql, COUNT_LIMIT, instantParam, microsOf, pageSql } from './page.js';
import type { PageRequest, SortColumn, TimeRange } from './page.js';
import type { Reader, Statement } from './reader.js';

export type DeliveryState = 'pending' | 'delivered' | 'dead' | 'skipped';

/** One message of an alert for one receiver. */
export interface DeliveryRow {
  readonly id: string;
  readonly key: string;
  readonly receiver: string;
  readonly alertId: string;
  readonly sequence: number;
  readonly status: 'firing' | 'resolved' | 'test';
  readonly summary: string;
  readonly state: DeliveryState;
  readonly attempts: number;
  readonly nextAttemptAt: Instant | null;
  readonly reason: string | null;
  readonly createdAt: Instant;
  readonly finishedAt: Instant | null;
}

/** One try. */
export interface DeliveryAttemptRow {
  readonly deliveryId: string;
  readonly startedAt: Instant;
  readonly millis: number;
  readonly outcome: 'delivered' | 'retry' | 'dead' | 'skipped';
  readonly status: number | null;
  readonly response: string | null;
  readonly error: string | null;
}

const FIELDS = {
  receiver: { type: 'text', any: ['r.name'] },
  alertId: { type: 'text', any: ['d.alert_id'] },
  state: { type: 'text', any: ['d.state'] },
  status: { type: 'text', any: ['d.status'] },
} satisfies Record<string, FieldSql>;

export type DeliveryCondition = Condition<keyof typeof FIELDS>;

/** Which deliveries; all given parts must hold. */
export interface DeliveryQuery {
  /** When they were written; undefined: all. */
  readonly range?: TimeRange | undefined;
  readonly condition?: DeliveryCondition | undefined;
}

export const DELIVERY_SORT: readonly SortColumn[] = [
  { sql: 'd.created_at', type: 'instant' },
  { sql: 'd.id', type: 'bigint' },
];

export function deliverySortKey({ createdAt, id }: DeliveryRow): readonly string[] {
  return [String(createdAt), id];
}

const FROM = `
FROM alert_delivery d
JOIN receiver r ON r.id = d.receiver_id`;

const SELECT = `
SELECT d.id::text, d.key, r.name AS receiver, d.alert_id AS "alertId", d.sequence, d.status, d.message->>'summary' AS summary, d.state,
       d.attempts, CASE WHEN d.state = 'pending' THEN ${microsOf('d.next_attempt_at')} END AS "nextAttemptAt", d.reason,
       ${microsOf('d.created_at')} AS "createdAt", ${microsOf('d.finished_at')} AS "finishedAt"${FROM}`;

function whereSql({ range, condition = {} }: DeliveryQuery, params: Params): string {
  const parts = [
    ...(range === undefined ? [] : [`d.created_at >= ${instantParam(params, range.from)}`]),
    ...(range?.to === undefined ? [] : [`d.created_at < ${instantParam(params, range.to)}`]),
    conditionSql(FIELDS, condition, params),
  ];
  return `WHERE ${parts.join('\n  AND ')}`;
}

/** Deliveries of one page. */
export function deliveriesStatement(query: DeliveryQuery, page: PageRequest): Statement {
  const params = new Params();
  const where = whereSql(query, params);
  const after = afterSql(DELIVERY_SORT, page, params);
  const text = `${SELECT}\n${where}\n  AND ${after}\n${pageSql(DELIVERY_SORT, page, params)}`;
  return { text, values: params.values };
}

/** How many deliveries the query finds, counted up to COUNT_LIMIT + 1. */
export function deliveryCountStatement(query: DeliveryQuery): Statement {
  const params = new Params();
  const where = whereSql(query, params);
  const text = `SELECT count(*)::int AS count FROM (\nSELECT${FROM}\n${where}\nLIMIT ${COUNT_LIMIT + 1}) found`;
  return { text, values: params.values };
}

export function deliveryByIdStatement(id: string): Statement {
  return { text: `${SELECT}\nWHERE d.id = $1::int8`, values: [id] };
}

// Of a delivery that was tried very often the last tries tell enough.
const MOST_ATTEMPTS = 50;

/** The last tries of these deliveries, the oldest first. */
export function deliveryAttemptsStatement(ids: readonly string[]): Statement {
  const text = `
SELECT a.delivery_id::text AS "deliveryId", ${microsOf('a.started_at')} AS "startedAt", a.millis, a.outcome, a.status, a.response, a.error
FROM unnest($1::int8[]) AS wanted(id)
CROSS JOIN LATERAL (SELECT * FROM delivery_attempt WHERE delivery_id = wanted.id ORDER BY id DESC LIMIT ${MOST_ATTEMPTS}) a
ORDER BY a.delivery_id, a.id`;
  return { text, values: [[...ids]] };
}

type Times = 'nextAttemptAt' | 'createdAt' | 'finishedAt';
type RawRow = Omit<DeliveryRow, Times> & Readonly<Record<Times, bigint | null>>;

const instantOf = (micros: bigint | null) => (micros === null ? null : Number(micros));

export async function readDeliveries(reader: Reader, statement: Statement): Promise<readonly DeliveryRow[]> {
  return (await reader.rows<RawRow>(statement)).map((row) => ({
    ...row,
    nextAttemptAt: instantOf(row.nextAttemptAt),
    createdAt: Number(row.createdAt),
    finishedAt: instantOf(row.finishedAt),
  }));
}

export async function readDeliveryAttempts(
  reader: Reader,
  ids: readonly string[],
): Promise<readonly DeliveryAttemptRow[]> {
  type Raw = Omit<DeliveryAttemptRow, 'startedAt'> & { readonly startedAt: bigint };
  const rows = await reader.rows<Raw>(deliveryAttemptsStatement(ids));
  return rows.map((row) => ({ ...row, startedAt: Number(row.startedAt) }));
}
