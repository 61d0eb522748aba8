import { gzipSync } from 'node:zlib';
import { testDatabase, type TestDatabase } from '@whydrop/testing';
import { type Database, openDatabase } from '../database.js';
import { createPayloadCache, rawLines } from './raw-lines.js';

let test: TestDatabase;
let database: Database;
let emitterId: number;

beforeAll(async () => {
  test = await testDatabase();
  database = openDatabase(test.url);
  await database.pool.query(`INSERT INTO cluster (name) VALUES ('c')`);
  const { rows } = await database.pool.query<{ id: number }>(
    `INSERT INTO emitter (cluster_id, node) SELECT id, 'n1' FROM cluster RETURNING id`,
  );
  emitterId = rows[0]?.id ?? 0;
});

afterAll(async () => {
  await database.close();
  await test.drop();
});

async function store(sequence: number, text: string): Promise<bigint> {
  const { rows } = await database.pool.query<{ id: bigint }>(
    `INSERT INTO raw_batch (emitter_id, stream, epoch, sequence, format, first_line, attributes, payload, payload_bytes, sha256, received_at)
     VALUES ($1, 's', 1, $2, 'f', 10, '{}', $3, 0, '', now()) RETURNING id`,
    [emitterId, sequence, gzipSync(text)],
  );
  return rows[0]?.id ?? 0n;
}

it('gives every line, also of payloads that the cache cannot hold together or at all', async () => {
  const batches = Array.from({ length: 40 }, (_, at) => at);
  const ids: bigint[] = [];
  for (const at of batches) ids.push(await store(at, `first of ${at}\r\n${'x'.repeat(at * 100)}\nlast of ${at}`));
  const payloads = createPayloadCache(3_000);
  const places = batches.toReversed().flatMap((at) => [12, 10, 99].map((line) => ({ batchId: ids[at] ?? 0n, line })));
  const lines = await database.pool.connect().then(async (client) => {
    const found = await rawLines(client, payloads, places);
    client.release();
    return found;
  });
  expect(lines).toEqual(batches.toReversed().flatMap((at) => [`last of ${at}`, `first of ${at}`, '']));
});

it('is as large as its texts', async () => {
  const payloads = createPayloadCache();
  const client = await database.pool.connect();
  const batchId = await store(100, 'x'.repeat(1_000_000));
  await rawLines(client, payloads, [{ batchId, line: 10 }]);
  client.release();
  expect(payloads.calculatedSize).toBeGreaterThan(1_000_000);
});
