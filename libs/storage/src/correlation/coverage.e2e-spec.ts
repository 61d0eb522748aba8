import { testDatabase, type TestDatabase } from '@whydrop/testing';
import { type Database, openDatabase } from '../database.js';
import { loadCoverage } from './coverage.js';

const T0 = Date.UTC(2026, 10, 21);
const time = (seconds: number) => new Date(T0 + seconds * 1000);
const micros = (seconds: number) => (T0 + seconds * 1000) * 1000;

let test: TestDatabase;
let database: Database;
let covered: (node: string, channel: string, from: number, to: number) => boolean;

/** conntrack of n1 was complete from 0 to 100 (told in two parts) and from 200 to 300; something was lost from 50 to 60. */
beforeAll(async () => {
  test = await testDatabase();
  database = openDatabase(test.url);
  const { pool } = database;
  await pool.query(`INSERT INTO cluster (id, name) VALUES (1, 'c')`);
  await pool.query(`INSERT INTO emitter (id, cluster_id, node) VALUES (1, 1, 'n1'), (2, 1, 'n2')`);
  for (const [from, to] of [
    [0, 40],
    [40, 100],
    [200, 300],
  ] as const) {
    await pool.query(
      `INSERT INTO coverage (emitter_id, channel, from_time, to_time, batch_id) VALUES (1, 'conntrack', $1, $2, 1)`,
      [time(from), time(to)],
    );
  }
  await pool.query(
    `INSERT INTO gap (batch_id, line, emitter_id, stream, channel, reason, from_time, to_time)
     VALUES (1, 1, 1, 's', 'conntrack', 'EMITTER_LOST', $1, $2)`,
    [time(50), time(60)],
  );
  const client = await pool.connect();
  const loaded = await loadCoverage(client, 1, micros(-1000), micros(1000));
  client.release();
  covered = (node, channel, from, to) => loaded(node, channel, micros(from), micros(to));
});

afterAll(async () => {
  await database.close();
  await test.drop();
});

it.each([
  ['within', 10, 20, true],
  ['over two parts that join', 30, 45, true],
  ['at both ends', 0, 49, true],
  ['ending after it', 90, 101, false],
  ['beginning before it', -1, 10, false],
  ['over the time between', 90, 210, false],
  ['over a loss', 45, 70, false],
  ['up to a loss', 45, 50, false],
  ['from the end of a loss', 60, 70, false],
  ['behind a loss', 61, 70, true],
])('a span %s', (_, from, to, wanted) => {
  expect(covered('n1', 'conntrack', from, to)).toBe(wanted);
});

it('of another node or channel nothing is told', () => {
  expect([covered('n2', 'conntrack', 10, 20), covered('n1', 'iptables', 10, 20)]).toEqual([false, false]);
});
