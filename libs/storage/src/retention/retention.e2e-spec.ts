import type { CorrelatedDrop } from '@whydrop/explain';
import type { Drop, ExplainedEnd, Explanation, FlowObservation, Instant } from '@whydrop/model';
import { LEVEL_MICROS } from '@whydrop/rollup';
import { testDatabase, type TestDatabase } from '@whydrop/testing';
import { replaceDrops } from '../correlation/drops.js';
import { takeCorrelationWork } from '../correlation/work.js';
import { type Database, openDatabase } from '../database.js';
import type { StoredBatch } from '../write/batch.js';
import { ensurePartitions, ensureRollups, forgetPartitions } from '../write/partitions.js';
import { storeDecoded } from '../write/store-batch.js';
import { DEFAULT_RETENTION } from './policy.js';
import { applyRetention } from './run.js';

const { day, hour } = LEVEL_MICROS;
const TODAY: Instant = Date.UTC(2026, 10, 21) * 1000;
const NOW = TODAY + 13 * hour;
const ago = (days: number) => TODAY - days * day + 12 * hour;

let test: TestDatabase;
let database: Database;
let clusterId: number;
let emitterId: number;
let batches = 0;

const query = async (sql: string, values: unknown[] = []) => (await database.pool.query(sql, values)).rows;
const names = async () =>
  (await query(`SELECT c.relname AS name FROM pg_class c WHERE c.relispartition AND c.relkind = 'r'`)).map(
    ({ name }) => name as string,
  );
const run = (policy = {}, now = NOW) => applyRetention(database, { ...DEFAULT_RETENTION, ...policy }, now);

beforeAll(async () => {
  test = await testDatabase();
  database = openDatabase(test.url);
});

beforeEach(async () => {
  const parts = (await names()).filter((name) => !name.endsWith('_default'));
  if (parts.length > 0) await query(`DROP TABLE ${parts.map((name) => `"${name}"`).join(', ')}`);
  await query(
    'TRUNCATE cluster, flow, "drop", drop_group, drop_minute, drop_hour, drop_day, rollup_kept, explanation CASCADE',
  );
  forgetPartitions(database);
  clusterId = (await query(`INSERT INTO cluster (name) VALUES ('c') RETURNING id`))[0]?.id;
  emitterId = (await query(`INSERT INTO emitter (cluster_id, node) VALUES ($1, 'n1') RETURNING id`, [clusterId]))[0]
    ?.id;
});

afterAll(async () => {
  await database.close();
  await test.drop();
});

/** Stores one conntrack record of a time, as it came in at `received`. */
async function store(observedAt: Instant, received: Instant = observedAt): Promise<bigint> {
  const rows = await query(
    `INSERT INTO raw_batch (emitter_id, stream, epoch, sequence, format, first_line, attributes, payload, payload_bytes, sha256, received_at, finished_at)
     VALUES ($1, 's', 1, $2, 'conntrack-events', 1, '{}', '', 0, '', $3, $3) RETURNING id`,
    [emitterId, ++batches, new Date(received / 1000)],
  );
  const id = rows[0]?.id as bigint;
  const ends = {
    protocol: 'TCP' as const,
    source: '10.0.0.1',
    destination: '10.0.0.2',
    sourcePort: 40_000,
    destinationPort: 80,
  };
  const flow = {
    kind: 'flow',
    observedAt,
    line: 1,
    event: 'new',
    unreplied: true,
    assured: false,
    original: ends,
    reply: { ...ends, source: ends.destination, destination: ends.source },
  };
  const batch = { id, clusterId, emitterId, receivedAt: received } as Partial<StoredBatch> as StoredBatch;
  await storeDecoded(database, batch, [flow as Partial<FlowObservation> as FlowObservation], received);
  return id;
}

/** Tells a drop of a time, as a correlation run would. */
async function tell(at: Instant, from = at, to = at): Promise<void> {
  const end = {
    ip: '10.0.0.1',
    pod: undefined,
    workload: { kind: 'Pod', namespace: 'dev', name: 'web' },
    node: 'n1',
    role: 'pod',
    label: 'web',
  } as ExplainedEnd;
  const explanation = {
    verdict: 'dropped',
    cause: 'CT_INVALID',
    direction: null,
    policies: [],
    basis: 'observed',
    evidence: [],
    sentence: '.',
  } as Partial<Explanation> as Explanation;
  const drop: Partial<Drop> = {
    id: `${at}`,
    cluster: 'c',
    firstSeenAt: at,
    lastSeenAt: at,
    source: end,
    destination: end,
    destinationPort: 80,
    protocol: 'TCP',
    attempts: 1,
    packets: 1,
    explanation,
  };
  const told = { drop: drop as Drop, connectionKey: 1 } as CorrelatedDrop;
  await database.transaction((client) => replaceDrops(client, clusterId, [1n], [from, to], [told]));
}

it('drops partitions whose time is over, level by level, and nothing else', async () => {
  for (const days of [0, 6, 8, 15, 150]) {
    await store(ago(days));
    await tell(ago(days));
  }
  const result = await run();
  expect(result?.busy).toEqual([]);
  const left = await names();
  expect(left).toEqual(
    expect.arrayContaining([
      'flow_20261121',
      'flow_20261115',
      'drop_20261115',
      'drop_minute_20261113',
      'drop_hour_202611',
      'drop_day_2026',
    ]),
  );
  for (const gone of ['flow_20261113', 'drop_20261113', 'drop_minute_20261106', 'drop_hour_202606'])
    expect(left).not.toContain(gone);
  // The days' sums are all there, and the group has all of them.
  expect(await query('SELECT sum(drops)::int AS drops FROM drop_day')).toEqual([{ drops: 5 }]);
  expect(
    await query('SELECT drops::int, first_seen_at = $1 AS old FROM drop_group', [new Date(ago(150) / 1000)]),
  ).toEqual([{ drops: 5, old: true }]);
  // Batches older than a week went, the ledger with them.
  expect(await query('SELECT count(*)::int AS count FROM raw_batch')).toEqual([{ count: 2 }]);
  expect(await query('SELECT count(*)::int AS count FROM batch_stage')).toEqual([{ count: 2 }]);
});

it('a group whose drops are gone keeps its first sight, and takes new drops', async () => {
  await store(ago(8));
  await tell(ago(8));
  await run();
  await store(ago(0));
  await tell(ago(0));
  expect(await query('SELECT drops::int, first_seen_at, last_seen_at FROM drop_group')).toEqual([
    { drops: 2, first_seen_at: new Date(ago(8) / 1000), last_seen_at: new Date(ago(0) / 1000) },
  ]);
});

it('keeps an old capture as long as a new one', async () => {
  await store(ago(300), NOW);
  expect((await run())?.partitions).toEqual([]);
  expect((await run({}, NOW + 6 * day))?.partitions).toEqual([]);
  expect((await run({}, NOW + 8 * day))?.partitions).toContain('flow_20260125');
});

it('refuses what comes from a time that was removed, and says so', async () => {
  await store(ago(8));
  await tell(ago(8));
  await run();
  const id = await store(ago(8) + hour, NOW);
  expect(await query('SELECT count(*)::int AS count FROM flow')).toEqual([{ count: 0 }]);
  expect(await query('SELECT reason, detail FROM reject WHERE batch_id = $1', [id])).toEqual([
    {
      reason: 'TOO_OLD',
      detail: expect.stringMatching(
        /^1 record from 2026-11-13T13:00:00Z .*: what is older than 2026-11-14T00:00:00Z is not kept any more$/,
      ),
    },
  ]);
});

it('leaves what was told next to removed data as it is', async () => {
  await store(ago(8));
  await store(ago(7) - 11 * hour, NOW);
  await run();
  await query('UPDATE raw_batch SET finished_at = NULL');
  const work = await database.transaction((client) => takeCorrelationWork(client, clusterId));
  expect(work.batches).toHaveLength(1);
  // One o'clock on the first day that is kept is too near to midnight.
  expect(work.dirty).toEqual([]);
  await store(ago(7) - 12 * hour + 80 * 60_000_000, NOW);
  await store(ago(6), NOW);
  await query('UPDATE raw_batch SET finished_at = NULL');
  const later = await database.transaction((client) => takeCorrelationWork(client, clusterId));
  expect(later.dirty.map(([from]) => from)).toEqual([ago(7) - 12 * hour + hour + 600_000_000, ago(6) - 3_000_000]);
});

it('rows that lay ahead when they came move into their partition when its day is there', async () => {
  await store(TODAY + 5 * day, NOW);
  expect(await query('SELECT count(*)::int AS count FROM flow_default')).toEqual([{ count: 1 }]);
  await ensurePartitions(database, 'flow', [TODAY + 5 * day], NOW + 4 * day);
  expect(await query('SELECT count(*)::int AS count FROM flow_default')).toEqual([{ count: 0 }]);
  expect(await query('SELECT count(*)::int AS count FROM flow_20261126')).toEqual([{ count: 1 }]);
});

it('keeps what a clock of 1970 stamped as long as its batch, and what was told of it with it', async () => {
  await store(day, NOW);
  await tell(day + hour);
  const left = () =>
    query(
      `SELECT (SELECT count(*)::int FROM flow) AS flows, (SELECT count(*)::int FROM "drop") AS drops,
              (SELECT count(*)::int FROM drop_minute) AS minutes`,
    );
  expect((await run())?.rows).toBe(0);
  expect((await run({}, NOW + 6 * day))?.rows).toBe(0);
  expect(await left()).toEqual([{ flows: 1, drops: 1, minutes: 1 }]);
  await run({}, NOW + 8 * day);
  expect(await left()).toEqual([{ flows: 0, drops: 0, minutes: 0 }]);
});

it('a removed window gets no part of itself back', async () => {
  await ensureRollups(database, [ago(8), ago(0)], ago(8));
  await tell(ago(8));
  await run({ raw: 30, batches: 30, minute: 7 });
  await tell(ago(8) + 1, ago(8), ago(8) + hour);
  expect(await query('SELECT count(*)::int AS count FROM drop_minute')).toEqual([{ count: 0 }]);
  expect(await query('SELECT drops::int FROM drop_hour')).toEqual([{ drops: 1 }]);
});

it('a partition that is being read stays for the next run, and a second process waits for nobody', async () => {
  await store(ago(8));
  const reading = await database.pool.connect();
  await reading.query('BEGIN');
  await reading.query('SELECT FROM flow_20261113');
  const [first, second] = await Promise.all([run(), run()]);
  expect([first, second].filter((result) => result === undefined)).toHaveLength(1);
  expect((first ?? second)?.busy).toEqual(['flow_20261113']);
  await reading.query('COMMIT');
  reading.release();
  expect((await run())?.partitions).toEqual(['flow_20261113']);
});

it('groups go when they were not seen for as long as groups are kept', async () => {
  await ensureRollups(database, [ago(850)], ago(850));
  await tell(ago(850));
  await query('TRUNCATE "drop"');
  await run();
  expect(await query('SELECT FROM drop_group')).toHaveLength(1);
  // A year is dropped when all of it is over.
  await run({}, NOW + 850 * day);
  expect(await query('SELECT FROM drop_group')).toHaveLength(0);
});
