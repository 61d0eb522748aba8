import { randomUUID } from 'node:crypto';
import { type AlertRule, defaultRules, parseRule, writeRule } from '@whydrop/alerting';
import type pg from 'pg';
import type { Writer } from '../audit/writer.js';
import type { Database } from '../database.js';
import type { StoredRule } from './target.js';

/** Who may change a rule: what is shipped and what comes from a file is only switched on and off. */
export type RuleSource = 'shipped' | 'file' | 'api';

interface RuleRow {
  readonly id: string;
  readonly enabled: boolean;
  readonly spec: object;
}

/** Rules that are switched on; those that mute no others come first, so that the others know. */
export async function enabledRules(client: Pick<pg.PoolClient, 'query'>): Promise<readonly StoredRule[]> {
  const { rows } = await client.query<RuleRow>('SELECT id, enabled, spec FROM alert_rule WHERE enabled ORDER BY name');
  const rules = rows.flatMap(({ id, enabled, spec }) => {
    const parsed = parseRule({ ...spec, enabled });
    return parsed.kind === 'rule' ? [{ id, rule: parsed.rule }] : [];
  });
  return rules.toSorted((a, b) => a.rule.inhibitedBy.length - b.rule.inhibitedBy.length);
}

const PUT = `
  INSERT INTO alert_rule AS r (id, name, kind, source, enabled, spec, updated_by) VALUES ($1, $2, $3, $4, $5, $6, $7)
  ON CONFLICT (name) DO UPDATE SET kind = excluded.kind, source = excluded.source, spec = excluded.spec,
         enabled = CASE WHEN r.source = excluded.source AND r.source = 'shipped' THEN r.enabled ELSE excluded.enabled END,
         revision = r.revision + 1, updated_by = excluded.updated_by, updated_at = now()
   WHERE (r.spec <> excluded.spec OR r.source <> excluded.source)`;

async function put(client: pg.PoolClient, rule: AlertRule, source: RuleSource): Promise<void> {
  const spec = JSON.stringify(writeRule(rule));
  await client.query(PUT, [randomUUID(), rule.name, rule.kind, source, rule.enabled, spec, source]);
}

/**
 * Brings the stored rules in line with what is shipped and what a file says: a rule of the file takes the place of any of its
 * name, one that left the file is removed, a shipped one gives way to whatever else has its name.
 */
export async function syncRules(database: Database, file: readonly AlertRule[]): Promise<void> {
  await database.transaction(async (client) => {
    await client.query('SELECT pg_advisory_xact_lock(72707381)');
    const names = file.map(({ name }) => name);
    await client.query(`DELETE FROM alert_rule WHERE source = 'file' AND name <> ALL ($1)`, [names]);
    for (const rule of file) await put(client, rule, 'file');
    const { rows } = await client.query<{ name: string }>(`SELECT name FROM alert_rule WHERE source <> 'shipped'`);
    const taken = new Set(rows.map(({ name }) => name));
    const shipped = defaultRules();
    for (const rule of shipped) if (!taken.has(rule.name)) await put(client, rule, 'shipped');
    await client.query(`DELETE FROM alert_rule WHERE source = 'shipped' AND name <> ALL ($1)`, [
      shipped.map(({ name }) => name),
    ]);
  });
}

/** Why a change was refused. */
export type RuleRefusal =
  | { readonly kind: 'notFound' }
  | { readonly kind: 'nameTaken' }
  | { readonly kind: 'readOnly'; readonly source: RuleSource };

export type RuleChanged = { readonly kind: 'done'; readonly id: string } | RuleRefusal;

const UNIQUE_VIOLATION = '23505';
const isTaken = (error: unknown) =>
  typeof error === 'object' && error !== null && 'code' in error && error.code === UNIQUE_VIOLATION;

export async function createRule(database: Writer, rule: AlertRule, by: string): Promise<RuleChanged> {
  const id = randomUUID();
  const { rowCount } = await database.pool.query(
    `INSERT INTO alert_rule (id, name, kind, source, enabled, spec, updated_by) VALUES ($1, $2, $3, 'api', $4, $5, $6)
     ON CONFLICT (name) DO NOTHING`,
    [id, rule.name, rule.kind, rule.enabled, JSON.stringify(writeRule(rule)), by],
  );
  return rowCount === 0 ? { kind: 'nameTaken' } : { kind: 'done', id };
}

async function sourceOf(database: Writer, id: string): Promise<RuleSource | undefined> {
  const { rows } = await database.pool.query<{ source: RuleSource }>('SELECT source FROM alert_rule WHERE id = $1', [
    id,
  ]);
  return rows[0]?.source;
}

/** Replaces a rule as a whole. */
export async function updateRule(database: Writer, id: string, rule: AlertRule, by: string): Promise<RuleChanged> {
  const source = await sourceOf(database, id);
  if (source === undefined) return { kind: 'notFound' };
  if (source !== 'api') return { kind: 'readOnly', source };
  try {
    await database.transaction((client) =>
      client.query(
        `UPDATE alert_rule SET name = $2, kind = $3, enabled = $4, spec = $5, updated_by = $6, revision = revision + 1, updated_at = now()
          WHERE id = $1`,
        [id, rule.name, rule.kind, rule.enabled, JSON.stringify(writeRule(rule)), by],
      ),
    );
    return { kind: 'done', id };
  } catch (error) {
    if (isTaken(error)) return { kind: 'nameTaken' };
    throw error;
  }
}

/** Switches a rule on or off, whoever wrote it. A rule of a file is what the file says again at the next start. */
export async function enableRule(database: Writer, id: string, enabled: boolean, by: string): Promise<RuleChanged> {
  const { rowCount } = await database.pool.query(
    'UPDATE alert_rule SET enabled = $2, updated_by = $3, revision = revision + 1, updated_at = now() WHERE id = $1',
    [id, enabled, by],
  );
  return rowCount === 0 ? { kind: 'notFound' } : { kind: 'done', id };
}

export async function deleteRule(database: Writer, id: string): Promise<RuleChanged> {
  const source = await sourceOf(database, id);
  if (source === undefined) return { kind: 'notFound' };
  if (source !== 'api') return { kind: 'readOnly', source };
  await database.pool.query('DELETE FROM alert_rule WHERE id = $1', [id]);
  return { kind: 'done', id };
}
