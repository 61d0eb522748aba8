import { type AlertRule, INITIAL, isForgettable, MINUTE, type SeriesState, step } from '@whydrop/alerting';
import { formatInstant, type Instant } from '@whydrop/model';
import type pg from 'pg';
import type { Database } from '../database.js';
import { isUnavailable } from '../ingest/unavailable.js';
import { MICROS } from '../write/batch.js';
import { alertId, forgetAlert, putAlert, resolveAlert, tellFiring } from './alert.store.js';
import { driftSeries, gapSeries } from './clock-series.js';
import { pairSeries } from './pair-series.js';
import { enabledRules } from './rule.store.js';
import { loadSeen, type Seen } from './seen.js';
import { silenceSeries } from './silence-series.js';
import { spikeSeries } from './spike-series.js';
import type { Minute, Series, SeriesByKey, StoredRule, Target } from './target.js';
import { thresholdSeries } from './threshold-series.js';
import { closedUntil } from './watermark.js';

const DAY = 1440 * MINUTE;
/** How far back a rule looks when it meets a cluster for the first time. */
const FIRST_LOOK = 10 * MINUTE;
/** Minutes that one run works through for one rule; the rest is the next run's. */
const AT_ONCE = 60;

const floor = (at: Instant) => Math.floor(at / MINUTE) * MINUTE;

/** What depends on our clock, not on what nodes report: judged once a minute, and now. */
const byClock = ({ kind }: AlertRule) => kind === 'DRIFT' || kind === 'COLLECTOR_GAP';

function seriesOf(target: Target): Promise<SeriesByKey> | SeriesByKey {
  const { rule } = target;
  switch (rule.kind) {
    case 'SPIKE':
      return spikeSeries({ ...target, rule });
    case 'THRESHOLD':
      return thresholdSeries({ ...target, rule });
    case 'SILENCE':
      return silenceSeries({ ...target, rule });
    case 'NEW_PAIR':
      return pairSeries({ ...target, rule });
    case 'DRIFT':
      return driftSeries({ ...target, rule });
    case 'COLLECTOR_GAP':
      return gapSeries({ ...target, rule });
  }
}

interface SeriesRow {
  readonly key: string;
  readonly labels: Series['labels'];
  readonly state: SeriesState;
}

/** Where a rule stands for a cluster; the first time it begins a little before now. */
async function cursorOf(client: pg.PoolClient, ruleId: string, clusterId: number, begin: Instant): Promise<Instant> {
  await client.query(
    'INSERT INTO alert_evaluation (rule_id, cluster_id, evaluated_to) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING',
    [ruleId, clusterId, formatInstant(begin)],
  );
  const { rows } = await client.query<{ at: bigint }>(
    `SELECT ${MICROS('evaluated_to')} AS at FROM alert_evaluation WHERE rule_id = $1 AND cluster_id = $2 FOR UPDATE`,
    [ruleId, clusterId],
  );
  return Number(rows[0]?.at ?? begin);
}

/** Closed minutes that were not evaluated, each once; then those that are still open, as far as they go. */
function minutesOf(rule: AlertRule, from: Instant, closed: Instant, now: Instant): readonly Minute[] {
  if (byClock(rule)) return from < floor(now) ? [{ bucket: floor(now) - MINUTE, closed: true }] : [];
  const minutes: Minute[] = [];
  for (let bucket = from; bucket <= now && minutes.length < AT_ONCE; bucket += MINUTE)
    minutes.push({ bucket, closed: bucket + MINUTE <= closed });
  return minutes;
}

async function statesOf(client: pg.PoolClient, ruleId: string, clusterId: number): Promise<readonly SeriesRow[]> {
  const { rows } = await client.query<SeriesRow>(
    'SELECT key, labels, state FROM alert_series WHERE rule_id = $1 AND cluster_id = $2 ORDER BY key',
    [ruleId, clusterId],
  );
  return rows;
}

async function keepState(
  target: Target,
  key: string,
  labels: Series['labels'],
  state: SeriesState,
  at: Instant,
): Promise<void> {
  const where = [target.id, target.clusterId, key];
  if (isForgettable(state, at)) {
    await target.client.query('DELETE FROM alert_series WHERE rule_id = $1 AND cluster_id = $2 AND key = $3', where);
    return;
  }
  await target.client.query(
    `INSERT INTO alert_series (rule_id, cluster_id, key, labels, state) VALUES ($1, $2, $3, $4, $5)
     ON CONFLICT (rule_id, cluster_id, key) DO UPDATE SET state = excluded.state, labels = excluded.labels`,
    [...where, JSON.stringify(labels), JSON.stringify(state)],
  );
}

/** Steps one series through the minutes and writes every change of its alert. */
async function runSeries(target: Target, key: string, series: Series, start: SeriesState): Promise<SeriesState> {
  let state = start;
  for (const minute of target.minutes) {
    const reading = series.read(minute, state);
    const end = minute.bucket + MINUTE;
    const id = alertId(target.id, target.clusterId, key, state.since ?? minute.bucket);
    const next = step(target.rule, state, reading, id);
    const before = state.alertId ?? '';
    const seenAlive = target.rule.kind === 'COLLECTOR_GAP' && reading.level > 0;
    state = seenAlive ? { ...next.state, level: { value: reading.level, until: end + DAY } } : next.state;
    const { receivers } = target.rule;
    if (next.transition === 'pending' || next.transition === 'fired')
      await putAlert(target, { key, labels: series.labels }, state, reading.judgement, Math.min(end, target.now));
    if (next.transition === 'dropped') await forgetAlert(target.client, before);
    if (next.transition === 'resolved') await resolveAlert(target.client, before, end, receivers);
    if (next.transition === 'levelShift') {
      const note = `about ${Math.round(reading.level)} a minute count as usual now`;
      await resolveAlert(target.client, before, end, receivers, { levelShift: true, note });
    }
  }
  return state;
}

async function evaluateRule(
  base: Omit<Target, keyof StoredRule | 'minutes' | 'states'>,
  stored: StoredRule,
  closed: Instant,
) {
  const { client, clusterId, now } = base;
  const clusters = stored.rule.filter.clusters;
  if (clusters !== undefined && !clusters.includes(base.cluster)) return;
  const begin = floor(Math.min(closed, now - FIRST_LOOK));
  const from = await cursorOf(client, stored.id, clusterId, begin);
  const minutes = minutesOf(stored.rule, from, closed, now);
  const to = minutes.findLast((minute) => minute.closed)?.bucket;
  if (minutes.length === 0) return;
  const rows = await statesOf(client, stored.id, clusterId);
  const states = new Map(rows.map(({ key, state }) => [key, state]));
  const target: Target = { ...base, ...stored, minutes, states };
  for (const [key, series] of await seriesOf(target)) {
    const before = states.get(key);
    const state = await runSeries(target, key, series, before ?? INITIAL);
    const changed = JSON.stringify(state) !== JSON.stringify(before ?? INITIAL);
    if (changed || (before && isForgettable(state, now))) await keepState(target, key, series.labels, state, now);
  }
  if (to === undefined) return;
  await client.query('UPDATE alert_evaluation SET evaluated_to = $3 WHERE rule_id = $1 AND cluster_id = $2', [
    stored.id,
    clusterId,
    formatInstant(to + MINUTE),
  ]);
}

/** Alerts of rules that are gone or switched off end; what was remembered of them goes too. */
async function retire(
  client: pg.PoolClient,
  clusterId: number,
  rules: readonly StoredRule[],
  now: Instant,
): Promise<void> {
  const ids = rules.map(({ id }) => id);
  const { rows } = await client.query<{ id: string; state: string }>(
    `SELECT id, state FROM alert WHERE cluster_id = $1 AND state IN ('pending', 'firing') AND rule_id <> ALL ($2)`,
    [clusterId, ids],
  );
  for (const { id, state } of rows)
    await (state === 'pending'
      ? forgetAlert(client, id)
      : resolveAlert(client, id, now, [], { note: 'its rule was removed or switched off' }));
  for (const table of ['alert_series', 'alert_evaluation'])
    await client.query(`DELETE FROM ${table} WHERE cluster_id = $1 AND rule_id <> ALL ($2)`, [clusterId, ids]);
}

interface Failed {
  readonly cluster: string;
  readonly rule?: string;
  readonly error: string;
}

/** What a run of the evaluator did. */
export interface EvaluationResult {
  readonly told: number;
  /** Rules that could not be evaluated for a cluster, and why; the others were. Without a rule: none of the cluster's. */
  readonly failed: readonly Failed[];
}

async function evaluateCluster(
  client: pg.PoolClient,
  { id: clusterId, name: cluster }: Cluster,
  rules: readonly StoredRule[],
  now: Instant,
): Promise<EvaluationResult> {
  const seen: Seen = await loadSeen(client, clusterId, [now - 30 * DAY, now + DAY]);
  const closed = await closedUntil(client, clusterId, seen, now);
  const failed: Failed[] = [];
  for (const stored of rules) {
    await client.query('SAVEPOINT rule');
    try {
      await evaluateRule({ client, clusterId, cluster, now, seen }, stored, closed);
      await client.query('RELEASE SAVEPOINT rule');
    } catch (error) {
      await client.query('ROLLBACK TO SAVEPOINT rule');
      failed.push({ cluster, rule: stored.rule.name, error: String(error) });
    }
  }
  await retire(client, clusterId, rules, now);
  return { told: await tellFiring(client, clusterId, rules, now), failed };
}

interface Cluster {
  readonly id: number;
  readonly name: string;
}

/** Undefined when another worker is at the cluster. */
function evaluateAlone(database: Database, cluster: Cluster, now: Instant): Promise<EvaluationResult | undefined> {
  return database.transaction(async (client) => {
    const lock = 'SELECT pg_try_advisory_xact_lock(72707380, $1) AS mine';
    const { rows } = await client.query<{ mine: boolean }>(lock, [cluster.id]);
    return rows[0]?.mine ? evaluateCluster(client, cluster, await enabledRules(client), now) : undefined;
  });
}

/**
 * Evaluates every enabled rule for every cluster. One worker at a time has a cluster; states, messages and how far it came are
 * written in one transaction, so that a worker that dies leaves either all of a run or nothing.
 */
export async function evaluateAlerts(database: Database, now: Instant): Promise<EvaluationResult> {
  const { rows: clusters } = await database.pool.query<Cluster>('SELECT id, name FROM cluster ORDER BY id');
  const all: EvaluationResult[] = [];
  for (const cluster of clusters) {
    try {
      const result = await evaluateAlone(database, cluster, now);
      if (result) all.push(result);
    } catch (error) {
      if (isUnavailable(error)) throw error;
      all.push({ told: 0, failed: [{ cluster: cluster.name, error: String(error) }] });
    }
  }
  return { told: all.reduce((sum, { told }) => sum + told, 0), failed: all.flatMap(({ failed }) => failed) };
}
