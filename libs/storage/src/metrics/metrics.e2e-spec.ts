import { testDatabase, type TestDatabase } from '@whydrop/testing';
import { type Database, openDatabase } from '../database.js';
import { readStoredMetrics, type StoredMetric } from './read.js';

let test: TestDatabase;
let database: Database;

beforeAll(async () => {
  test = await testDatabase();
  database = openDatabase(test.url);
  await database.pool.query(`INSERT INTO cluster (name) VALUES ('c')`);
});

afterEach(() => database.pool.query('TRUNCATE drop_group, metric_total, batch_stage, reject, raw_batch'));

afterAll(async () => {
  await database.close();
  await test.drop();
});

/** A group of drops of one policy, as correlation would have stored it. */
async function group(policy: string, drops: number, cause = 'POLICY_DEFAULT_DENY'): Promise<void> {
  await database.pool.query(
    `INSERT INTO drop_group (id, cluster_id, verdict, cause, direction, basis, protocol, source_kind, source_name, destination_kind,
                             destination_namespace, destination_name, policies, first_seen_at, last_seen_at, drops, attempts, packets, explanation_id)
     SELECT $1, id, 'dropped', $3, 'ingress', 'observed', 'TCP', 'Pod', 'a', 'Pod', 'dev', 'b', $4, now(), now(), $2, 1, 1, 'e' FROM cluster
         ON CONFLICT (id) DO UPDATE SET drops = excluded.drops`,
    [`${policy}/${cause}`, drops, cause, policy === '' ? [] : [`NetworkPolicy/dev/${policy}`]],
  );
}

async function drops(mostPolicies?: number): Promise<Readonly<Record<string, number>>> {
  const metrics = await readStoredMetrics(database, mostPolicies === undefined ? {} : { mostPolicies });
  const family = metrics.find(({ name }) => name === 'whydrop_drops_total');
  const sums: Record<string, number> = {};
  for (const { labels, value } of family?.samples ?? []) {
    sums[labels['policy'] ?? '?'] = (sums[labels['policy'] ?? '?'] ?? 0) + value;
  }
  return sums;
}

const samplesOf = (metrics: readonly StoredMetric[], name: string) =>
  Object.fromEntries(
    (metrics.find((metric) => metric.name === name)?.samples ?? []).map(({ labels, value }) => [
      Object.values(labels).join(' '),
      value,
    ]),
  );

describe('counters of what is stored', () => {
  it('have the labels of what decided', async () => {
    await group('web', 3);
    const metrics = await readStoredMetrics(database);
    expect(metrics.find(({ name }) => name === 'whydrop_drops_total')?.samples).toEqual([
      {
        labels: {
          cluster: 'c',
          namespace: 'dev',
          direction: 'ingress',
          cause: 'POLICY_DEFAULT_DENY',
          policy: 'NetworkPolicy/dev/web',
        },
        value: 3,
      },
    ]);
  });

  it('never fall: not when a drop is amended, not when retention takes its group', async () => {
    await group('web', 3);
    expect(await drops()).toEqual({ 'NetworkPolicy/dev/web': 3 });
    await group('web', 2);
    expect(await drops()).toEqual({ 'NetworkPolicy/dev/web': 3 });
    await group('web', 4);
    expect(await drops()).toEqual({ 'NetworkPolicy/dev/web': 5 });
    await database.pool.query('DELETE FROM drop_group');
    expect(await drops()).toEqual({ 'NetworkPolicy/dev/web': 5 });
    await group('web', 1);
    expect(await drops()).toEqual({ 'NetworkPolicy/dev/web': 6 });
  });

  it('are carried once, however many processes are scraped at once', async () => {
    await group('web', 1);
    await drops();
    await group('web', 8);
    await Promise.all([drops(), drops(), drops(), drops()]);
    expect(await drops()).toEqual({ 'NetworkPolicy/dev/web': 8 });
  });

  it('name as many policies as they may, those with most drops, and keep what they chose', async () => {
    await group('', 9);
    await group('small', 1);
    await group('large', 5);
    await group('middle', 3);
    const chosen = { '': 9, 'NetworkPolicy/dev/large': 5, 'NetworkPolicy/dev/middle': 3 };
    expect(await drops(2)).toEqual({ ...chosen, other: 1 });
    await group('small', 100);
    await group('small', 7, 'STALE_DATAPLANE');
    await group('new', 50);
    expect(await drops(2)).toEqual({ ...chosen, other: 100 + 7 + 50 });
  });

  it('say what is not explained, also of a cluster where everything is', async () => {
    expect(samplesOf(await readStoredMetrics(database), 'whydrop_drops_unexplained_total')).toEqual({ c: 0 });
    await group('', 2, 'UNDECIDED');
    expect(samplesOf(await readStoredMetrics(database), 'whydrop_drops_unexplained_total')).toEqual({ c: 2 });
  });
});

describe('what was ingested', () => {
  const batch = async (sequence: number, rows: number | undefined, rejects = 0) => {
    await database.pool.query(
      `INSERT INTO emitter (cluster_id, node) SELECT id, 'n1' FROM cluster ON CONFLICT DO NOTHING`,
    );
    const { rows: made } = await database.pool.query<{ id: bigint }>(
      `INSERT INTO raw_batch (emitter_id, stream, epoch, sequence, format, first_line, attributes, payload, payload_bytes, sha256, received_at)
       SELECT id, 's', 1, $1::int, 'conntrack-event', 1, '{}', '', 0, '', '2026-11-20T10:00:00Z'::timestamptz + $1::int * interval '1 second'
         FROM emitter WHERE node = 'n1' RETURNING id`,
      [sequence],
    );
    if (rows === undefined) return;
    const id = made[0]?.id;
    await database.pool.query(`INSERT INTO batch_stage (batch_id, stage, rows, rejects) VALUES ($1, 'store', $2, $3)`, [
      id,
      rows,
      rejects,
    ]);
    for (let i = 0; i < rejects; i++) {
      await database.pool.query(`INSERT INTO reject VALUES ($1, $2, 1, 'malformed', '', '')`, [id, i]);
    }
  };

  it('is counted once per batch, also when retention takes the batch away', async () => {
    await batch(1, 10, 2);
    await batch(2, undefined);
    const first = await readStoredMetrics(database);
    expect(samplesOf(first, 'whydrop_ingest_records_total')).toEqual({
      'conntrack-event stored': 10,
      'conntrack-event rejected': 2,
    });
    expect(samplesOf(first, 'whydrop_rejects_total')).toEqual({ 'conntrack-event malformed': 2 });
    expect(samplesOf(first, 'whydrop_open_batches')).toEqual({ c: 2 });
    expect(samplesOf(first, 'whydrop_ingest_lag_seconds')['c']).toBeGreaterThan(60);
    expect(samplesOf(first, 'whydrop_collector_last_seen_timestamp_seconds')).toEqual({
      'c n1': Date.UTC(2026, 10, 20, 10, 0, 1) / 1000,
    });
    await database.pool.query('TRUNCATE reject, batch_stage, raw_batch');
    await batch(3, 5);
    const second = await readStoredMetrics(database);
    expect(samplesOf(second, 'whydrop_ingest_records_total')).toMatchObject({ 'conntrack-event stored': 15 });
    expect(samplesOf(second, 'whydrop_rejects_total')).toEqual({ 'conntrack-event malformed': 2 });
  });
});
