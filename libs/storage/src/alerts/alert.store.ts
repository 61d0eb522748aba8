import { createHash } from 'node:crypto';
import {
  type AlertMessage,
  type Judgement,
  MINUTE,
  type Muted,
  mutedBy,
  type SeriesState,
  type Silence,
  summaryOf,
} from '@whydrop/alerting';
import { formatInstant, type Instant } from '@whydrop/model';
import type pg from 'pg';
import { enqueueDeliveries } from '../deliveries/index.js';
import { MICROS } from '../write/batch.js';
import { loadBehind } from './behind.js';
import { loadPolicyChanges } from './policy-changes.js';
import type { StoredRule, Target } from './target.js';

/** Told to whoever listens, when the transaction is committed. */
export const ALERT_CHANNEL = 'whydrop_alert';

/** The same incident has the same id, whichever worker sees it begin. */
export function alertId(ruleId: string, clusterId: number, key: string, since: Instant): string {
  const text = JSON.stringify([ruleId, clusterId, key, since]);
  return createHash('sha256').update(text).digest('base64url').slice(0, 22);
}

async function notify(client: pg.PoolClient, id: string, state: string): Promise<void> {
  await client.query('SELECT pg_notify($1, $2)', [ALERT_CHANNEL, JSON.stringify({ id, state })]);
}

const CHANGES_BEFORE = 15 * MINUTE;

function ago(micros: number): string {
  const minutes = Math.round(micros / MINUTE);
  return minutes < 1 ? 'less than a minute' : `${minutes} ${minutes === 1 ? 'minute' : 'minutes'}`;
}

const DONE: Readonly<Record<string, string>> = { ADDED: 'created', MODIFIED: 'changed', DELETED: 'deleted' };

/** What happened to the policies just before it began, one sentence each. */
async function changesBefore({ client, clusterId }: Target, policies: readonly string[], startsAt: Instant) {
  const changes = await loadPolicyChanges(client, clusterId, policies, [
    startsAt - CHANGES_BEFORE,
    startsAt + 2 * MINUTE,
  ]);
  return changes.map(({ policy, change, at }) => {
    const when = at <= startsAt ? `${ago(startsAt - at)} before` : 'in the minute it began';
    return `${policy} was ${DONE[change] ?? 'changed'} ${when}`;
  });
}

/** A series by its key, with its values by name. */
export interface NamedSeries {
  readonly key: string;
  readonly labels: AlertMessage['labels'];
}

/** What a receiver is told, but for the number and the state. */
async function draft(
  target: Target,
  { key, labels }: NamedSeries,
  state: SeriesState,
  judgement: Judgement,
  at: Instant,
): Promise<AlertMessage> {
  const { rule, cluster } = target;
  const startsAt = state.since ?? at;
  const behind = await loadBehind(target, key, [
    startsAt - (judgement.slow ? 60 * MINUTE : 0),
    Math.max(at, startsAt + MINUTE),
  ]);
  const changes = await changesBefore(target, behind.policies, startsAt);
  return {
    alertId: state.alertId ?? '',
    sequence: 0,
    status: 'firing',
    at,
    startsAt,
    endsAt: null,
    ruleName: rule.name,
    ruleKind: rule.kind,
    severity: rule.severity,
    cluster,
    labels,
    summary: summaryOf(rule, labels, judgement, changes),
    sentence: behind.sentence,
    cause: behind.cause,
    policies: behind.policies,
    value: judgement.value,
    expected: judgement.expected,
    topSources: behind.sources,
    topDestinations: behind.destinations,
    pod: behind.pod,
    trend: behind.trend,
    changes,
    path: behind.groupId === null ? '/' : `/?group=${encodeURIComponent(behind.groupId)}`,
  };
}

/** Writes a pending or firing alert as it is now. */
export async function putAlert(
  target: Target,
  series: NamedSeries,
  state: SeriesState,
  judgement: Judgement,
  at: Instant,
): Promise<void> {
  const { client, id: ruleId, rule, clusterId } = target;
  const message = await draft(target, series, state, judgement, at);
  const { baseline } = judgement;
  await client.query(
    `INSERT INTO alert (id, rule_id, rule_name, rule_kind, cluster_id, key, labels, severity, state, starts_at, fired_at, value,
       expected, baseline, message)
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15)
     ON CONFLICT (id) DO UPDATE SET state = excluded.state, fired_at = excluded.fired_at, value = excluded.value,
       expected = excluded.expected, baseline = excluded.baseline, message = excluded.message, updated_at = now()`,
    [
      state.alertId, ruleId, rule.name, rule.kind, clusterId, series.key, JSON.stringify(message.labels), rule.severity, state.phase,
      formatInstant(message.startsAt), state.phase === 'firing' ? formatInstant(at) : null, judgement.value,
      judgement.expected, baseline && JSON.stringify(baseline), JSON.stringify(message),
    ], // prettier-ignore
  );
  await notify(client, message.alertId, state.phase);
}

/** A pending alert that came to nothing leaves nothing behind. */
export async function forgetAlert(client: pg.PoolClient, id: string): Promise<void> {
  await client.query(`DELETE FROM alert WHERE id = $1 AND state = 'pending'`, [id]);
  await notify(client, id, 'dropped');
}

interface AlertRow {
  readonly id: string;
  readonly rule_id: string;
  readonly rule_name: string;
  readonly cluster: string;
  readonly labels: AlertMessage['labels'];
  readonly severity: AlertMessage['severity'];
  readonly sequence: number;
  readonly notified: boolean;
  readonly muted_by: Muted;
  readonly message: AlertMessage;
}

const SELECT = `SELECT a.id, a.rule_id, a.rule_name, c.name AS cluster, a.labels, a.severity, a.sequence, a.notified, a.muted_by, a.message
  FROM alert a JOIN cluster c ON c.id = a.cluster_id`;

/** An empty list of a rule stands for everybody. */
async function receiversOf(client: pg.PoolClient, names: readonly string[]): Promise<readonly string[]> {
  if (names.length > 0) return names;
  const { rows } = await client.query<{ name: string }>('SELECT name FROM receiver WHERE enabled ORDER BY name');
  return rows.map(({ name }) => name);
}

/** Ends an alert; whoever was told that it fires is told. */
export async function resolveAlert(
  client: pg.PoolClient,
  id: string,
  at: Instant,
  receivers: readonly string[],
  { levelShift = false, note = null as string | null, trend = undefined as AlertMessage['trend'] | undefined } = {},
): Promise<void> {
  const { rows } = await client.query<AlertRow>(`${SELECT} WHERE a.id = $1 AND a.state = 'firing' FOR UPDATE OF a`, [
    id,
  ]);
  const row = rows[0];
  if (!row) return;
  const sequence = row.notified ? row.sequence + 1 : row.sequence;
  const summary = note === null ? row.message.summary : `${row.message.summary}; ${note}`;
  const message: AlertMessage = {
    ...row.message,
    sequence,
    status: 'resolved',
    at,
    endsAt: at,
    summary,
    trend: trend ?? row.message.trend,
  };
  await client.query(
    `UPDATE alert SET state = 'resolved', ends_at = $2, level_shift = $3, sequence = $4, message = $5, updated_at = now() WHERE id = $1`,
    [id, formatInstant(at), levelShift, sequence, JSON.stringify(message)],
  );
  if (row.notified) await enqueueDeliveries(client, message, await receiversOf(client, receivers));
  await notify(client, id, 'resolved');
}

async function silences(client: pg.PoolClient, at: Instant): Promise<readonly Silence[]> {
  const { rows } = await client.query<Omit<Silence, 'startsAt' | 'endsAt'> & { s: bigint; e: bigint }>(
    `SELECT id, matchers, author, comment, ${MICROS('starts_at')} AS s, ${MICROS('ends_at')} AS e FROM silence
      WHERE ends_at > $1`,
    [formatInstant(at)],
  );
  return rows.map(({ s, e, ...rest }) => ({ ...rest, startsAt: Number(s), endsAt: Number(e) }));
}

const firingOf = ({ id, rule_name: ruleName, labels, severity, cluster }: AlertRow) => ({
  id,
  ruleName,
  labels: { ...labels, rule: ruleName, severity, cluster },
});

/** Tells of every alert that fires, has not been told and is not muted. Called when all rules of a cluster have been evaluated. */
export async function tellFiring(
  client: pg.PoolClient,
  clusterId: number,
  rules: readonly StoredRule[],
  at: Instant,
): Promise<number> {
  const { rows } = await client.query<AlertRow>(
    `${SELECT} WHERE a.cluster_id = $1 AND a.state = 'firing' ORDER BY a.id`,
    [clusterId],
  );
  const untold = rows.filter((row) => !row.notified);
  if (untold.length === 0) return 0;
  const inForce = await silences(client, at);
  let told = 0;
  for (const row of untold) {
    const stored = rules.find(({ id }) => id === row.rule_id);
    if (!stored) continue;
    const muted = mutedBy(stored.rule, firingOf(row), rows.map(firingOf), inForce, at);
    if (muted && JSON.stringify(muted) === JSON.stringify(row.muted_by)) continue;
    if (!muted) told++;
    await (muted ? mute(client, row, muted) : tell(client, row, stored, at));
  }
  return told;
}

async function mute(client: pg.PoolClient, { id }: AlertRow, by: Muted): Promise<void> {
  await client.query('UPDATE alert SET muted_by = $2, updated_at = now() WHERE id = $1', [id, JSON.stringify(by)]);
  await notify(client, id, 'firing');
}

async function tell(client: pg.PoolClient, row: AlertRow, { rule }: StoredRule, at: Instant): Promise<void> {
  const message = { ...row.message, sequence: row.sequence + 1, at };
  await client.query(
    'UPDATE alert SET notified = true, muted_by = NULL, sequence = $2, message = $3, updated_at = now() WHERE id = $1',
    [row.id, message.sequence, JSON.stringify(message)],
  );
  await enqueueDeliveries(client, message, await receiversOf(client, rule.receivers));
  await notify(client, row.id, 'firing');
}
