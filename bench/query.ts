import { createHash } from 'node:crypto';
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { parseArgs } from 'node:util';
import {
  createToken,
  type Database,
  dropsByIdStatement,
  dropsStatement,
  migrate,
  openDatabase,
  openReader,
  readDrops,
  type Reader,
  readExplanations,
  readSeen,
  readSeries,
  seenStatement,
  seriesStatement,
  startEmbeddedPostgres,
} from '@whydrop/storage';
import { LEVEL_MICROS, planTrend } from '@whydrop/rollup';
import { startApi } from '../apps/api/src/start.js';
import { ensurePartitions, ensureRollups } from '../libs/storage/src/write/partitions.js';

// How long a person waits: lists, details and trends over a database that holds 90 days of roll-ups and a week of flows and
// drops, through the read models and through GraphQL over HTTP. Each is measured twice, with a tenth of the rows and with
// all of them: read the second against the first.
const ROOT = path.resolve(import.meta.dirname, '../..');
const { values: options } = parseArgs({
  options: {
    flows: { type: 'string', default: '3000000' },
    drops: { type: 'string', default: '1000000' },
    rounds: { type: 'string', default: '200' },
  },
});
const [FLOWS, DROPS, ROUNDS] = [Number(options.flows), Number(options.drops), Number(options.rounds)];
const GROUPS = 2_000;
const DAYS = 90;
const { day, hour } = LEVEL_MICROS;
const NOW = Math.floor(Date.now() / 1000) * 1_000_000;
const iso = (instant: number) => new Date(instant / 1000).toISOString();

/** Groups of 60 namespaces and 300 policies. Their numbers are their ranks: the first block all day, the last now and then. */
const FILL_GROUPS = `
  INSERT INTO drop_group
  SELECT 'g' || i, 1, 'dropped', (ARRAY['POLICY_DEFAULT_DENY', 'POLICY_EXPLICIT_DENY', 'CT_INVALID'])[1 + i % 3], 'ingress', 'observed',
         'TCP', (ARRAY[80, 443, 5432, 6379, 8080])[1 + i % 5], 'Deployment', 'ns' || i % 60, 'client' || i, 'Deployment', 'ns' || i % 300 % 41,
         'server' || i % 500, 'node' || i % 50, ARRAY['NetworkPolicy/ns' || i % 300 % 41 || '/policy' || i % 300],
         now() - interval '90 days', now(), 1, 1, 1, 'x' || i % 50
    FROM generate_series(1, ${GROUPS}) i`;

const FILL_EXPLANATIONS = `
  INSERT INTO explanation (id, body)
  SELECT 'x' || i, jsonb_build_object('verdict', 'dropped', 'cause', 'POLICY_DEFAULT_DENY', 'contributing', '[]'::jsonb, 'direction', 'ingress',
         'policies', '[]'::jsonb, 'misses', '[]'::jsonb, 'basis', 'observed', 'assumptions', '[]'::jsonb, 'missing', '[]'::jsonb,
         'findings', '[]'::jsonb, 'changes', '[]'::jsonb)
    FROM generate_series(0, 49) i`;

/** A group blocks on a day more rarely the higher its number, then in some of the day's hours and some of their minutes. */
const FILL_ROLLUPS = `
  CREATE TEMP TABLE active AS
  SELECT i, d, 1 + (random() * random() * 23)::int AS hours
    FROM generate_series(1, ${GROUPS}) i, generate_series(0, ${DAYS - 1}) d WHERE random() < 40 / power(i, 0.7);
  INSERT INTO drop_day SELECT date_trunc('day', $NOW) - d * interval '1 day', 'g' || i, 1, hours * 9, hours * 12, hours * 30, hours * 3 FROM active;
  CREATE TEMP TABLE active_hour AS
  SELECT i, d, h FROM active, LATERAL (SELECT DISTINCT (random() * 23)::int AS h FROM generate_series(1, hours)) x;
  INSERT INTO drop_hour SELECT date_trunc('day', $NOW) - d * interval '1 day' + h * interval '1 hour', 'g' || i, 1, 9, 12, 30, 3 FROM active_hour;
  INSERT INTO drop_minute
  SELECT date_trunc('day', $NOW) - d * interval '1 day' + h * interval '1 hour' + m * interval '1 minute', 'g' || i, 1, 2, 3, 6, 1
    FROM active_hour, LATERAL (SELECT DISTINCT (random() * 59)::int AS m FROM generate_series(1, 1 + (random() * 10)::int)) x WHERE d < 14;
  CREATE TEMP TABLE slice AS
  SELECT g.id AS group_id, s.*, '1/dropped/' || s.dimension || '/' || s.value AS id
    FROM drop_group g, LATERAL (VALUES ('all', ''), ('cause', g.cause), ('namespace', g.destination_namespace), ('policy', g.policies[1])) AS s(dimension, value);
  INSERT INTO drop_slice SELECT DISTINCT id, 1, 'dropped', dimension, value FROM slice;
  INSERT INTO slice_minute SELECT bucket, id, 1, sum(drops), sum(attempts), sum(packets), sum(counted) FROM drop_minute JOIN slice USING (group_id) GROUP BY 1, 2;
  INSERT INTO slice_hour SELECT bucket, id, 1, sum(drops), sum(attempts), sum(packets), sum(counted) FROM drop_hour JOIN slice USING (group_id) GROUP BY 1, 2;
  INSERT INTO slice_day SELECT bucket, id, 1, sum(drops), sum(attempts), sum(packets), sum(counted) FROM drop_day JOIN slice USING (group_id) GROUP BY 1, 2;
  INSERT INTO seen_day SELECT 1, '', (date_trunc('day', $NOW) - d * interval '1 day')::date, repeat('1', 1440)::bit(1440)
    FROM generate_series(0, ${DAYS + 1}) d;`.replaceAll('$NOW', `'${iso(NOW)}'::timestamptz`);

const fillFlows = (from: number, to: number) => `
  INSERT INTO flow (observed_at, batch_id, line, emitter_id, event, protocol, unreplied, assured, source, destination, source_port,
    destination_port, reply_source, reply_destination, original_key)
  SELECT '${iso(NOW)}'::timestamptz - (i::float8 / ${FLOWS}) * interval '6 days', i / 10000, i % 10000, 1, 1, 6, i % 9 = 0, false,
         '10.1.0.0'::inet + i % 65000, '10.2.0.0'::inet + i % 500, 1024 + i % 60000, 443, '10.2.0.0'::inet + i % 500,
         '10.1.0.0'::inet + i % 65000, hashint8extended(i, 0)
    FROM generate_series(${from}, ${to - 1}) i WHERE (i % 10 = 0) = $1`;

const fillDrops = (from: number, to: number) => `
  INSERT INTO "drop"
  SELECT '${iso(NOW)}'::timestamptz - (i::float8 / ${DROPS}) * interval '6 days', md5(i::text), now(), 1, 'g' || 1 + (power(random(), 3) * ${GROUPS - 1})::int,
         'x' || i % 50, hashint8extended(i, 1), '10.1.0.0'::inet + i % 65000, 1024 + i % 60000, '10.2.0.0'::inet + i % 500, 443, 'TCP', 1, 3,
         jsonb_build_object('source', jsonb_build_object('ip', '10.1.0.1', 'role', 'pod', 'label', 'client' || i % ${GROUPS}),
           'destination', jsonb_build_object('ip', '10.2.0.1', 'role', 'pod', 'label', 'server' || i % 500),
           'evidence', jsonb_build_array(jsonb_build_object('channel', 'nflog', 'node', 'node' || i % 50, 'at', ${NOW}, 'raw', repeat('x', 200))),
           'sentence', 'client' || i % ${GROUPS} || ' -> server' || i % 500 || ':443/TCP was dropped on ingress.')
    FROM generate_series(${from}, ${to - 1}) i WHERE (i % 10 = 0) = $1`;

async function fill(database: Database): Promise<void> {
  await database.pool.query(`INSERT INTO cluster (name) VALUES ('bench')`);
  await database.pool.query(`INSERT INTO emitter (cluster_id, node) VALUES (1, 'node1')`);
  const days = Array.from({ length: DAYS + 1 }, (_, i) => NOW - i * day);
  await ensureRollups(database, days, NOW);
  for (const table of ['flow', 'drop']) await ensurePartitions(database, table, days.slice(0, 8), NOW);
  for (const sql of [FILL_GROUPS, FILL_EXPLANATIONS, FILL_ROLLUPS]) await database.pool.query(sql);
}

const CHUNK = 250_000;

/** One row in ten, or the other nine. */
async function grow(database: Database, tenth: boolean): Promise<void> {
  for (const [count, sql] of [
    [FLOWS, fillFlows],
    [DROPS, fillDrops],
  ] as const) {
    for (let from = 0; from < count; from += CHUNK) {
      await database.pool.query(sql(from, Math.min(from + CHUNK, count)), [tenth]);
    }
  }
  await database.pool.query('VACUUM ANALYZE');
}

type Ask = (round: number) => Promise<unknown>;

async function measure(ask: Ask): Promise<readonly number[]> {
  for (let round = 0; round < 10; round++) await ask(round);
  const times: number[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    const began = process.hrtime.bigint();
    await ask(round);
    times.push(Number(process.hrtime.bigint() - began) / 1e6);
  }
  const sorted = times.toSorted((a, b) => a - b);
  return [0.5, 0.95, 0.99].map((share) => sorted[Math.min(ROUNDS - 1, Math.floor(share * ROUNDS))] ?? 0);
}

/** A drop that is there from the first measurement on. */
function dropId(round: number): string {
  const i = (round * 7919) % DROPS;
  return createHash('md5')
    .update(String(i - (i % 10)))
    .digest('hex');
}

/** What is read from storage, each round of another time, namespace or drop. */
function readModels(reader: Reader): Readonly<Record<string, Ask>> {
  const page = { first: 50, descending: true, after: undefined };
  const verdict = { in: ['dropped', 'rejected'] };
  const lately = (round: number) => ({ from: NOW - day - round * 60_000_000, to: undefined });
  const trend = async (
    range: number,
    groupBy: readonly ('policy' | 'cause')[],
    condition: object,
    maxPoints?: number,
  ) => {
    const plan = planTrend({ from: NOW - range, to: NOW, maxPoints }, new Map());
    const top = groupBy.length === 0 ? {} : { top: 10 };
    const statement = seriesStatement({ ...plan, groupBy, condition: { verdict, ...condition }, ...top });
    const seen = readSeen(reader, seenStatement(plan.from, plan.to, [''], undefined));
    return Promise.all([readSeries(reader, statement), seen]);
  };
  const namespace = (round: number) => ({ namespace: { eq: `ns${round % 60}` } });
  return {
    'drops of a day, 50 of them': (round) => readDrops(reader, dropsStatement(lately(round), { verdict }, page)),
    'drops of a namespace': (round) =>
      readDrops(reader, dropsStatement(lately(round), { verdict, ...namespace(round) }, page)),
    'one drop and its explanation': async (round) => {
      const [drop] = await readDrops(reader, dropsByIdStatement([dropId(round)]));
      if (!drop) throw new Error(`drop ${dropId(round)} is not there`);
      return readExplanations(reader, [drop.explanationId]);
    },
    'trend of 24 h': () => trend(day, [], {}),
    'trend of 24 h by policy': () => trend(day, ['policy'], {}),
    'trend of 90 d': () => trend(90 * day, [], {}),
    'trend of 90 d of a namespace': (round) => trend(90 * day, [], namespace(round)),
    'trend of 90 d by policy': () => trend(90 * day, ['policy'], {}),
    'trend of 90 d by cause, 720 points': () => trend(90 * day, ['cause'], {}, 720),
  };
}

const TREND =
  'step coverage series { key total { drops } points { from drops packets counted covered } } other { total { drops } }';

/** The same through the door that people use. */
function overHttp(url: string, token: string): Readonly<Record<string, Ask>> {
  const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json' };
  const ask = async (query: string) => {
    const response = await fetch(`${url}/graphql`, { method: 'POST', headers, body: JSON.stringify({ query }) });
    const answer = (await response.json()) as { errors?: unknown };
    if (answer.errors) throw new Error(JSON.stringify(answer.errors));
    return answer;
  };
  const list = 'nodes { id cause sentence source { label } destination { label } firstSeenAt packets }';
  const trend = (args: string) => ask(`{ blockedConnectionTrend(${args}) { ${TREND} } }`);
  return {
    'drops of a day, 50 of them': (round) =>
      ask(`{ drops(filter: {timeRange: {from: "${iso(NOW - day - (round * hour) / 60)}"}}, first: 50) { ${list} } }`),
    'drops of a namespace': (round) =>
      ask(`{ drops(filter: {timeRange: {last: "1d"}, namespace: {eq: "ns${round % 60}"}}, first: 50) { ${list} } }`),
    'one drop and its explanation': (round) =>
      ask(`{ drop(id: "${dropId(round)}") { sentence evidence { raw } explanation { cause basis missing } } }`),
    'trend of 24 h': () => trend('timeRange: {last: "24h"}'),
    'trend of 24 h by policy': () => trend('timeRange: {last: "24h"}, groupBy: [POLICY]'),
    'trend of 90 d': () => trend('timeRange: {last: "90d"}'),
    'trend of 90 d of a namespace': (round) =>
      trend(`timeRange: {last: "90d"}, filter: {namespace: {eq: "ns${round % 60}"}}`),
    'trend of 90 d by policy': () => trend('timeRange: {last: "90d"}, groupBy: [POLICY]'),
    'trend of 90 d by cause, 720 points': () => trend('timeRange: {last: "90d"}, groupBy: [CAUSE], maxPoints: 720'),
  };
}

async function report(title: string, asks: Readonly<Record<string, Ask>>): Promise<void> {
  console.log(`\n${title.padEnd(40)}     p50      p95      p99 ms`);
  for (const [name, ask] of Object.entries(asks)) {
    const figures = (await measure(ask)).map((ms) => ms.toFixed(1).padStart(9)).join('');
    console.log(`  ${name.padEnd(38)}${figures}`);
  }
}

async function explain(database: Database, name: string): Promise<void> {
  const statements = new Map<string, { readonly text: string; readonly values: readonly unknown[] }>();
  const capture: Reader = {
    rows: (statement) => {
      statements.set(statement.text, statement);
      return Promise.resolve([]);
    },
    close: () => Promise.resolve(),
  };
  await readModels(capture)[name]?.(0);
  for (const { text, values } of statements.values()) {
    const { rows } = await database.pool.query<{ 'QUERY PLAN': string }>(`EXPLAIN (ANALYZE, BUFFERS) ${text}`, [
      ...values,
    ]);
    console.log(rows.map((row) => row['QUERY PLAN']).join('\n'));
  }
}

const counts = async (database: Database) => {
  const tables = ['flow', 'drop', 'drop_minute', 'drop_hour', 'drop_day', 'slice_day', 'drop_group'];
  const found = await Promise.all(
    tables.map((table) => database.pool.query<{ n: bigint }>(`SELECT count(*) AS n FROM "${table}"`)),
  );
  return tables.map((table, i) => `${table} ${Number(found[i]?.rows[0]?.n).toLocaleString('en')}`).join(', ');
};

const server = await startEmbeddedPostgres({
  dataDir: mkdtempSync(path.join(tmpdir(), 'whydrop-bench-')),
  ephemeral: true,
});
await migrate(server.url, path.join(ROOT, 'prisma/migrations'));
const database = openDatabase(server.url);
const reader = openReader(database);
const token = (await createToken(database, { name: 'bench', role: 'viewer' })).text;
const api = await startApi({
  database,
  storeQueue: { enqueue: () => Promise.resolve() },
  knownFormats: [],
  port: 0,
  now: () => NOW / 1000,
});
try {
  const began = Date.now();
  await fill(database);
  for (const tenth of [true, false]) {
    await grow(database, tenth);
    console.log(`\n${await counts(database)} (filled in ${((Date.now() - began) / 1000).toFixed(0)} s)`);
    await report('read models', readModels(reader));
    await report('GraphQL over HTTP', overHttp(api.url, token));
  }
  if (process.env['EXPLAIN'] !== undefined) await explain(database, process.env['EXPLAIN']);
} finally {
  await api.close();
  await reader.close();
  await database.close();
  await server.stop();
}
