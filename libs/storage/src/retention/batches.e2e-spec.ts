import type { FlowObservation, Instant } from '@whydrop/model';
import { LEVEL_MICROS } from '@whydrop/rollup';
import { testDatabase, type TestDatabase } from '@whydrop/testing';
import { type Database, openDatabase } from '../database.js';
import type { StoredBatch } from '../write/batch.js';
import { ensurePartitions, forgetPartitions } from '../write/partitions.js';
import { storeDecoded } from '../write/store-batch.js';
import { DEFAULT_RETENTION } from './policy.js';
import { applyRetention } from './run.js';

const { day, hour } = LEVEL_MICROS;
const TODAY: Instant = Date.UTC(2026, 10, 21) * 1000;

let test: TestDatabase;
let database: Database;
let batch: Pick<StoredBatch, 'clusterId' | 'emitterId'>;
let batches = 0;

const query = async (sql: string, values: unknown[] = []) => (await database.pool.query(sql, values)).rows;
const run = (now: Instant) => applyRetention(database, DEFAULT_RETENTION, now);
/** Batches, and rows that came in one. */
const left = async () =>
  (
    await query(
      'SELECT (SELECT count(*)::int FROM raw_batch) AS batches, (SELECT count(*)::int FROM flow) AS flows FROM cluster',
    )
  )[0];

beforeAll(async () => {
  test = await testDatabase();
  database = openDatabase(test.url);
});

beforeEach(async () => {
  const parts = await query(
    `SELECT relname AS name FROM pg_class WHERE relispartition AND relkind = 'r' AND relname NOT LIKE '%_default'`,
  );
  if (parts.length > 0) await query(`DROP TABLE ${parts.map(({ name }) => `"${name}"`).join(', ')}`);
  await query('TRUNCATE cluster, flow CASCADE');
  forgetPartitions(database);
  const clusterId = (await query(`INSERT INTO cluster (name) VALUES ('c') RETURNING id`))[0]?.id as number;
  const made = await query(`INSERT INTO emitter (cluster_id, node) VALUES ($1, 'n1') RETURNING id`, [clusterId]);
  batch = { clusterId, emitterId: made[0]?.id as number };
});

afterAll(async () => {
  await database.close();
  await test.drop();
});

/** One batch of conntrack records of these times, worked through as soon as it was received. */
async function store(times: readonly Instant[], received: Instant): Promise<void> {
  const rows = await query(
    `INSERT INTO raw_batch (emitter_id, stream, epoch, sequence, format, first_line, attributes, payload, payload_bytes, sha256, received_at, finished_at)
     VALUES ($1, 's', 1, $2, 'conntrack-events', 1, '{}', '', 0, '', $3, $3) RETURNING id`,
    [batch.emitterId, ++batches, new Date(received / 1000)],
  );
  const ends = { protocol: 'TCP', source: '10.0.0.1', destination: '10.0.0.2', sourcePort: 1, destinationPort: 2 };
  const known = { kind: 'flow', event: 'new', unreplied: true, assured: false, original: ends, reply: ends };
  const flows = times.map((observedAt, at) => ({ ...known, observedAt, line: at + 1 }) as FlowObservation);
  const stored = { ...batch, id: rows[0]?.id, receivedAt: received } as Partial<StoredBatch> as StoredBatch;
  await storeDecoded(database, stored, flows, received);
}

const NOON = TODAY + 12 * hour;

it('a batch is there as long as the day that its rows are in', async () => {
  await store([NOON], NOON);
  await run(NOON + 7 * day + hour);
  expect(await left()).toEqual({ batches: 1, flows: 1 });
  await run(TODAY + 8 * day);
  expect(await left()).toEqual({ batches: 0, flows: 0 });
});

it('also when its clock was ahead, so that its day was made later', async () => {
  await store([TODAY + 5 * day], NOON);
  await ensurePartitions(database, 'flow', [TODAY + 5 * day], NOON + 4 * day);
  await run(NOON + 8 * day);
  expect(await left()).toEqual({ batches: 1, flows: 1 });
  await run(NOON + 13 * day);
  expect(await left()).toEqual({ batches: 0, flows: 0 });
});

it('also when more of an old day came in after it', async () => {
  const old = TODAY - 300 * day;
  await store([old], NOON);
  await ensurePartitions(database, 'packet_log', [old], NOON + 3 * day);
  await run(NOON + 8 * day);
  expect(await left()).toEqual({ batches: 1, flows: 1 });
  await run(NOON + 11 * day);
  expect(await left()).toEqual({ batches: 0, flows: 0 });
});

it('what lies between its days does not hold it, and neither does a clock of another century', async () => {
  await store([day, TODAY - 20 * day, TODAY + 365_000 * day], NOON - 20 * day);
  await store([NOON], NOON);
  await run(NOON);
  expect(await query('SELECT sequence FROM raw_batch')).toEqual([{ sequence: BigInt(batches) }]);
});

it('a batch that an older version stored is there as long as the day on which it came', async () => {
  await store([NOON], NOON);
  await query(`UPDATE batch_stage SET touched = touched - 'kept'`);
  await run(NOON + 7 * day + hour);
  expect(await left()).toEqual({ batches: 1, flows: 1 });
  await run(TODAY + 8 * day);
  expect(await left()).toEqual({ batches: 0, flows: 0 });
});
