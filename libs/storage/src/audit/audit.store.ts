import { Params } from '../read/condition.js';
import { afterSql, microsOf, pageSql, type PageRequest, type SortColumn } from '../read/page.js';
import type { Reader, Statement } from '../read/reader.js';
import type { Instant } from '@whydrop/model';
import type { Writer } from './writer.js';

/** What may be changed from outside, and by which column it is named. */
export const AUDITED = {
  alert_rule: 'id',
  silence: 'id',
  receiver: 'name',
  alert_delivery: 'id',
  api_token: 'id',
} as const;
export type AuditedTable = keyof typeof AUDITED;

/** Columns that were secret, or say nothing about a change. */
const LEFT_OUT = ['secrets', 'secret_key_id', 'secret_hash', 'lease_token', 'lease_until', 'message'];

/** A row as the audit log keeps it; undefined when there is none. Nobody else changes it before the transaction ends. */
export async function auditedRow(db: Writer, table: AuditedTable, key: string): Promise<object | undefined> {
  const text = `SELECT to_jsonb(t) - $2::text[] AS row FROM ${table} t WHERE t.${AUDITED[table]}::text = $1 FOR UPDATE`;
  const { rows } = await db.pool.query<{ readonly row: object }>(text, [key, LEFT_OUT]);
  return rows[0]?.row;
}

export interface Change {
  readonly actor: string;
  readonly tokenId: string | undefined;
  readonly role: string;
  readonly action: string;
  readonly table: AuditedTable;
  readonly key: string;
  readonly before: object | undefined;
  readonly after: object | undefined;
}

export async function recordChange(db: Writer, change: Change): Promise<void> {
  const { actor, tokenId, role, action, table, key, before, after } = change;
  const text = `INSERT INTO audit_log (actor, token_id, role, action, subject, before, after)
VALUES ($1, $2, $3, $4, $5, $6, $7)`;
  const json = (row: object | undefined) => (row === undefined ? null : JSON.stringify(row));
  await db.pool.query(text, [actor, tokenId ?? null, role, action, `${table}/${key}`, json(before), json(after)]);
}

/** One change, as it is read. */
export interface AuditRow {
  readonly id: string;
  readonly at: Instant;
  readonly actor: string;
  readonly tokenId: string | null;
  readonly role: string;
  readonly action: string;
  readonly subject: string;
  readonly before: unknown;
  readonly after: unknown;
}

export const AUDIT_SORT: readonly SortColumn[] = [{ sql: 'a.id', type: 'bigint' }];

/** The log, of one page. */
export function auditStatement(page: PageRequest): Statement {
  const params = new Params();
  const after = afterSql(AUDIT_SORT, page, params);
  const text = `SELECT a.id::text AS id, ${microsOf('a.at')} AS at, a.actor, a.token_id AS "tokenId", a.role, a.action, a.subject,
       a.before, a.after
FROM audit_log a
WHERE ${after}
${pageSql(AUDIT_SORT, page, params)}`;
  return { text, values: params.values };
}

export function auditCountStatement(): Statement {
  return { text: 'SELECT count(*)::int AS count FROM audit_log', values: [] };
}

export async function readAudit(reader: Reader, statement: Statement): Promise<readonly AuditRow[]> {
  const rows = await reader.rows<Omit<AuditRow, 'at'> & { readonly at: bigint }>(statement);
  return rows.map((row) => ({ ...row, at: Number(row.at) }));
}
