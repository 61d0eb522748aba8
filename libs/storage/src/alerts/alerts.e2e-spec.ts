import { parseRule } from '@whydrop/alerting';
import type { Instant } from '@whydrop/model';
import { testDatabase, type TestDatabase } from '@whydrop/testing';
import { type Database, openDatabase } from '../database.js';
import { alertsOf, Cluster, outboxOf } from './alerts.fixture.js';
import { evaluateAlerts } from './evaluate.js';
import { listenAlerts } from './listen.js';
import { createSilence, expireSilence } from './silence.store.js';
import { enableRule, syncRules } from './rule.store.js';

const MINUTE = 60_000_000;
const SECOND = 1_000_000;
const T: Instant = Date.UTC(2026, 10, 18, 12, 0) * 1000;

let test: TestDatabase;
let database: Database;
let cluster: Cluster;

beforeAll(async () => {
  test = await testDatabase();
  database = openDatabase(test.url);
});

afterAll(async () => {
  await database.close();
  await test.drop();
});

beforeEach(async () => {
  await database.pool
    .query(`TRUNCATE cluster, emitter, drop_group, drop_minute, seen_day, alert, alert_rule, alert_series,
    alert_evaluation, silence, receiver, alert_delivery, delivery_attempt, object_version RESTART IDENTITY CASCADE`);
  cluster = await Cluster.create(database);
  await database.pool.query(`INSERT INTO receiver (name, kind, settings) VALUES ('pager', 'webhook', '{}')`);
  await syncRules(database, []);
});

async function rules(...written: readonly object[]): Promise<void> {
  const parsed = written.map((one) => {
    const result = parseRule(one);
    if (result.kind === 'problems') throw new Error(JSON.stringify(result.problems));
    return result.rule;
  });
  await syncRules(database, parsed);
}

async function evaluate(now: Instant): Promise<void> {
  const { failed } = await evaluateAlerts(database, now);
  expect(failed).toEqual([]);
}

/** Minute by minute, twenty seconds past it, while the node reports. */
async function run(from: Instant, minutes: number): Promise<void> {
  for (let i = 1; i <= minutes; i++) {
    await cluster.seen(from + (i - 1) * MINUTE, from + (i + 1) * MINUTE);
    await evaluate(from + i * MINUTE + 20 * SECOND);
  }
}

/** Until a session of this database listens. */
async function listening(): Promise<void> {
  const query = `SELECT FROM pg_stat_activity WHERE datname = current_database() AND query LIKE 'LISTEN%'`;
  while ((await database.pool.query(query)).rowCount === 0) await new Promise((resolve) => setTimeout(resolve, 20));
}

describe('a policy that was rolled out wrongly', () => {
  beforeEach(async () => {
    await cluster.seen(T - 120 * MINUTE, T + MINUTE);
    for (let i = 0; i < 40; i++) await cluster.group({ id: `g${i}`, source: `client-${i}`, firstSeenAt: T });
    await evaluate(T - MINUTE);
  });

  const spike = () => cluster.drops(Array.from({ length: 40 }, (_, i) => [`g${i}`, T, 4] as const));

  it('is one alert while its minute is still open, with policy and cause, however many pods are cut off', async () => {
    await spike();
    await evaluate(T + 12 * SECOND);
    const [alert, ...more] = await alertsOf(database);
    expect(more).toEqual([]);
    expect(alert).toMatchObject({ rule: 'BlockedSpike', state: 'firing', sequence: 1 });
    expect(alert?.labels).toEqual({ cause: 'POLICY_DEFAULT_DENY', policy: 'NetworkPolicy/dev/policy1' });
    expect(alert?.summary).toBe(
      '160 blocked connections in a minute where 1 are usual: cause POLICY_DEFAULT_DENY, policy NetworkPolicy/dev/policy1',
    );
    expect(await outboxOf(database)).toEqual(['BlockedSpike firing 1']);
  });

  it('is told once more when it is over, and nothing is told twice', async () => {
    await spike();
    await evaluate(T + 12 * SECOND);
    await evaluate(T + 17 * SECOND);
    await run(T, 8);
    expect(await alertsOf(database)).toMatchObject([{ state: 'resolved', sequence: 2 }]);
    expect(await outboxOf(database)).toEqual(['BlockedSpike firing 1', 'BlockedSpike resolved 2']);
  });

  it('names the change of the policy', async () => {
    await database.pool.query(
      `INSERT INTO object_version (cluster_id, api_group, kind, namespace, name, change, at, valid_from, content_hash, object, batch_id)
       VALUES ($1, 'networking.k8s.io', 'NetworkPolicy', 'dev', 'policy1', 'MODIFIED', $2, $2, 'h', '{}', 1)`,
      [cluster.id, new Date((T - 2 * MINUTE) / 1000)],
    );
    await spike();
    await evaluate(T + 12 * SECOND);
    expect((await alertsOf(database))[0]?.summary).toMatch(
      /; NetworkPolicy\/dev\/policy1 was changed 2 minutes before$/,
    );
  });

  it('does not end because nobody is heard: no data is no zero', async () => {
    await spike();
    await evaluate(T + 12 * SECOND);
    await rules({ name: 'CollectorGap', kind: 'COLLECTOR_GAP', enabled: false });
    for (let i = 1; i < 60; i += 3) await evaluate(T + i * MINUTE);
    expect(await alertsOf(database)).toMatchObject([{ state: 'firing' }]);
    await cluster.seen(T + 60 * MINUTE, T + 70 * MINUTE);
    await evaluate(T + 69 * MINUTE + 20 * SECOND);
    expect(await alertsOf(database)).toMatchObject([{ state: 'resolved' }]);
  });

  it('does not end while the node that reported it is silent, though others are heard', async () => {
    await spike();
    await evaluate(T + 12 * SECOND);
    await rules({ name: 'CollectorGap', kind: 'COLLECTOR_GAP', enabled: false });
    await cluster.seen(T + MINUTE, T + 40 * MINUTE, ['n2']);
    await evaluate(T + 39 * MINUTE);
    expect(await alertsOf(database)).toMatchObject([{ state: 'firing' }]);
  });

  it('never fires again for what comes in late', async () => {
    await run(T, 12);
    await spike();
    await run(T + 12 * MINUTE, 5);
    expect(await alertsOf(database)).toEqual([]);
  });

  it('is the same with several workers at once', async () => {
    await spike();
    const other = openDatabase(test.url);
    for (let i = 0; i < 8; i++) {
      await cluster.seen(T + i * MINUTE, T + (i + 2) * MINUTE);
      const now = T + (i + 1) * MINUTE + 20 * SECOND;
      await Promise.all([database, other, database, other].map((one) => evaluateAlerts(one, now)));
    }
    await other.close();
    expect(await outboxOf(database)).toEqual(['BlockedSpike firing 1', 'BlockedSpike resolved 2']);
  });

  it('is not told while a silence holds, and is told when that ends', async () => {
    const matchers = [{ name: 'policy', value: '.*/dev/.*', isRegex: true, isEqual: true }];
    const id = await createSilence(database, {
      matchers,
      author: 'kim',
      comment: 'roll-out',
      startsAt: 0,
      endsAt: T + 60 * MINUTE,
    });
    await spike();
    await evaluate(T + 12 * SECOND);
    expect(await alertsOf(database)).toMatchObject([{ state: 'firing', notified: false, mutedBy: { by: 'silence' } }]);
    expect(await outboxOf(database)).toEqual([]);
    await expireSilence(database, id, T + 13 * SECOND);
    await evaluate(T + 17 * SECOND);
    expect(await outboxOf(database)).toEqual(['BlockedSpike firing 1']);
  });

  it('mutes what it is a cause of', async () => {
    await rules({
      name: 'Many',
      kind: 'THRESHOLD',
      threshold: 50,
      groupBy: ['destinationWorkload'],
      inhibitedBy: [{ rule: 'BlockedSpike' }],
    });
    await evaluate(T - 30 * SECOND);
    await spike();
    await evaluate(T + 12 * SECOND);
    const muted = (await alertsOf(database)).find(({ rule }) => rule === 'Many');
    expect(muted).toMatchObject({ state: 'firing', notified: false, mutedBy: { by: 'inhibition' } });
    expect(await outboxOf(database)).toEqual(['BlockedSpike firing 1']);
  });

  it('is heard of by whoever listens, as soon as it is committed', async () => {
    const stop = new AbortController();
    const changes = listenAlerts(database, stop.signal);
    const first = changes.next();
    await listening();
    await spike();
    await evaluate(T + 12 * SECOND);
    const [alert] = await alertsOf(database);
    expect(await first).toEqual({ done: false, value: { id: alert?.id, state: 'firing' } });
    stop.abort();
    for await (const _rest of changes);
  });

  it('ends when its rule is switched off', async () => {
    await spike();
    await evaluate(T + 12 * SECOND);
    const { rows } = await database.pool.query<{ id: string }>(`SELECT id FROM alert_rule WHERE name = 'BlockedSpike'`);
    await enableRule(database, rows[0]?.id ?? '', false, 'kim');
    await evaluate(T + 20 * SECOND);
    expect(await alertsOf(database)).toMatchObject([{ state: 'resolved' }]);
    expect(await outboxOf(database)).toHaveLength(2);
  });

  it('becomes the usual level when it stays, and says so', async () => {
    for (let i = 0; i < 80; i++) await cluster.drops([['g0', T + i * MINUTE, 160]]);
    await run(T, 80);
    const alerts = await alertsOf(database);
    expect(alerts).toMatchObject([{ state: 'resolved', levelShift: true }]);
    expect(alerts[0]?.summary).toMatch(/about 160 a minute count as usual now$/);
  }, 120_000);
});

describe('noise', () => {
  it.each([
    ['ICMP', { protocol: 'ICMP' }],
    ['late packets of closed connections', { cause: 'LATE_AFTER_CLOSE' }],
    ['a node that was not programmed yet', { cause: 'PROGRAMMING_RACE' }],
  ])('%s alone raises nothing', async (_name, words) => {
    await cluster.seen(T - 120 * MINUTE, T + MINUTE);
    await cluster.group({ id: 'g', ...words });
    await cluster.drops([['g', T, 500]]);
    await evaluate(T + 12 * SECOND);
    expect(await alertsOf(database)).toEqual([]);
  });

  it('is looked at when the rule says so', async () => {
    await rules({ name: 'BlockedSpike', kind: 'SPIKE', suppress: { icmp: false } });
    await cluster.seen(T - 120 * MINUTE, T + MINUTE);
    await cluster.group({ id: 'g', protocol: 'ICMP' });
    await cluster.drops([['g', T, 500]]);
    await evaluate(T + 12 * SECOND);
    expect(await alertsOf(database)).toHaveLength(1);
  });
});

describe('other rules', () => {
  it('COLLECTOR_GAP: a node that was alive falls silent, and comes back', async () => {
    await cluster.seen(T - 20 * MINUTE, T + MINUTE);
    await evaluate(T + 30 * SECOND);
    for (let i = 1; i <= 12; i++) await evaluate(T + i * MINUTE + 30 * SECOND);
    expect(await alertsOf(database)).toMatchObject([{ rule: 'CollectorGap', state: 'firing', labels: { node: 'n1' } }]);
    await cluster.seen(T + 12 * MINUTE, T + 30 * MINUTE);
    for (let i = 13; i <= 29; i++) await evaluate(T + i * MINUTE + 30 * SECOND);
    expect(await alertsOf(database)).toMatchObject([{ state: 'resolved' }]);
  });

  it('COLLECTOR_GAP: an imported capture is nobody who fell silent', async () => {
    await cluster.seen(T - 120 * MINUTE, T - 60 * MINUTE);
    for (let i = 0; i < 20; i++) await evaluate(T + i * MINUTE);
    expect(await alertsOf(database)).toEqual([]);
  });

  it('SILENCE: a policy that always blocked something blocks nothing more', async () => {
    await rules({ name: 'Stopped', kind: 'SILENCE', window: '15m' });
    await cluster.group({ id: 'g' });
    await cluster.seen(T - 300 * MINUTE, T + MINUTE);
    await cluster.drops(Array.from({ length: 300 }, (_, i) => ['g', T - (i + 1) * MINUTE, 3] as const));
    await run(T, 20);
    expect(await alertsOf(database)).toMatchObject([{ rule: 'Stopped', state: 'firing' }]);
    await cluster.drops([['g', T + 20 * MINUTE, 3]]);
    await run(T + 20 * MINUTE, 25);
    expect((await alertsOf(database))[0]).toMatchObject({ rule: 'Stopped', state: 'resolved' });
  });

  it('NEW_PAIR: what was never seen before, each pair once', async () => {
    await rules({ name: 'NewPair', kind: 'NEW_PAIR' });
    await cluster.seen(T - 3 * 1440 * MINUTE, T + MINUTE);
    await cluster.group({ id: 'old', firstSeenAt: T - 2 * 1440 * MINUTE });
    for (const port of [1, 2, 3])
      await cluster.group({ id: `new${port}`, source: 'stranger', port, firstSeenAt: T + 5 * SECOND });
    await cluster.group({ id: 'known-pair-new-port', port: 9, firstSeenAt: T + 6 * SECOND });
    await evaluate(T + 12 * SECOND);
    expect(await alertsOf(database)).toMatchObject([
      { rule: 'NewPair', state: 'firing', summary: '1 pair blocked that never were before' },
    ]);
  });

  it('DRIFT: one alert for a policy that several nodes lack', async () => {
    await rules({ name: 'Drift', kind: 'DRIFT', for: '0s' });
    for (const node of ['n1', 'n2']) {
      const { rows } = await database.pool.query<{ id: number }>(
        'INSERT INTO emitter (cluster_id, node) VALUES ($1, $2) RETURNING id',
        [cluster.id, node],
      );
      await database.pool.query(
        `INSERT INTO reconciliation_finding (id, cluster_id, emitter_id, family, backend, kind, severity, policies, sentence, detail,
           first_seen_at, last_seen_at, opened_at)
         VALUES ($1, $2, $3, 'inet', 'nft', 'MISSING', 'warning', '{NetworkPolicy/dev/p}', 'a rule is missing', '{}', $4, $4, $4)`,
        [node, cluster.id, rows[0]?.id, new Date((T - MINUTE) / 1000)],
      );
    }
    await evaluate(T);
    expect(await alertsOf(database)).toMatchObject([
      { rule: 'Drift', state: 'firing', labels: { about: 'NetworkPolicy/dev/p', finding: 'MISSING' } },
    ]);
    await database.pool.query('DELETE FROM reconciliation_finding');
    for (let i = 1; i < 8; i++) await evaluate(T + i * MINUTE);
    expect(await alertsOf(database)).toMatchObject([{ state: 'resolved' }]);
  });
});
