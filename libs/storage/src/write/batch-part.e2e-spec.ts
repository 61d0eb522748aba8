import type { Decoded } from '@whydrop/decoders';
import { DROP_METRICS, HOST_METRICS } from '@whydrop/explain';
import type { Instant, KubernetesObject } from '@whydrop/model';
import { testDatabase, type TestDatabase } from '@whydrop/testing';
import { type Database, openDatabase } from '../database.js';
import type { StoredBatch } from './batch.js';
import { finishParts, splitPart, storePart, takePart } from './batch-part.js';
import { storeDecoded } from './store-batch.js';

const NOW: Instant = Date.UTC(2026, 10, 21) * 1000;
const second = (count: number): Instant => NOW + count * 1_000_000;

let test: TestDatabase;
let database: Database;
let batches = 0;

beforeAll(async () => {
  test = await testDatabase();
  database = openDatabase(test.url);
});

afterAll(async () => {
  await database.close();
  await test.drop();
});

/** A batch of a cluster of its own. */
async function newBatch(): Promise<StoredBatch> {
  const { rows } = await database.pool.query<{ id: bigint; clusterId: number; emitterId: number }>(
    `WITH c AS (INSERT INTO cluster (name) VALUES ($1) RETURNING id),
          e AS (INSERT INTO emitter (cluster_id, node) SELECT id, 'n1' FROM c RETURNING id, cluster_id)
     INSERT INTO raw_batch (emitter_id, stream, epoch, sequence, format, first_line, attributes, payload, payload_bytes, sha256, received_at)
     SELECT id, 's', 1, 1, 'f', 1, '{}', '', 0, '', now() FROM e
     RETURNING id, (SELECT cluster_id FROM e) AS "clusterId", emitter_id AS "emitterId"`,
    [`c${++batches}`],
  );
  return { ...rows[0], receivedAt: NOW } as StoredBatch;
}

const touched = async ({ id }: StoredBatch): Promise<object> => {
  const { rows } = await database.pool.query<{ touched: object }>(
    "SELECT touched FROM batch_stage WHERE batch_id = $1 AND stage = 'store'",
    [id],
  );
  return rows[0]?.touched ?? {};
};

const metric = (name: string | undefined, at: number): Decoded => {
  const rest = { type: 'counter', labels: {}, value: 1, raw: '', line: at } as const;
  return { kind: 'metric', observedAt: second(at), name: name ?? '', ...rest };
};

const added = (at: number): Decoded => {
  const metadata = { name: `p${at}`, namespace: 'dev' };
  const object = { apiVersion: 'v1', kind: 'Pod', metadata } as Partial<KubernetesObject> as KubernetesObject;
  return { kind: 'object', type: 'ADDED', at: second(at), object, line: at };
};

const flow = (at: number): Decoded => {
  const ends = { protocol: 'TCP', source: '10.0.0.1', destination: '10.0.0.2', sourcePort: 1, destinationPort: 2 };
  const known = { kind: 'flow', event: 'new', unreplied: true, assured: false, original: ends, reply: ends };
  return { ...known, observedAt: second(at), line: at } as unknown as Decoded;
};

const notice = (at: number): Decoded =>
  ({ kind: 'notice', observedAt: second(at), notice: 'MARTIAN_SOURCE', raw: '', line: at }) as unknown as Decoded;

const HALVES = [
  [flow(-90_000), metric(HOST_METRICS[0], 1), metric(DROP_METRICS[0], 2), added(9), notice(4)],
  [flow(5), metric(HOST_METRICS[0], 6), metric(DROP_METRICS[0], 7), added(8), notice(9)],
] as const;

it('a batch that was stored in parts bears on the same times as one that was stored as a whole', async () => {
  const [whole, halved] = [await newBatch(), await newBatch()];
  await storeDecoded(database, whole, HALVES.flat(), NOW);
  const first = await takePart(database, halved, 10);
  if (first) await splitPart(database, halved, first, 6);
  for (let part = await takePart(database, halved, 10); part; part = await takePart(database, halved, 10)) {
    await storePart(database, halved, part, HALVES[part.firstLine === 1 ? 0 : 1], NOW);
  }
  expect(await finishParts(database, halved)).toBe(true);
  expect(await touched(halved)).toEqual(await touched(whole));
  expect(await touched(whole)).toEqual({
    evidence: [second(-90_000), second(5)],
    snapshots: [second(4), second(9)],
    counts: [second(2), second(7)],
    host: [second(1), second(6)],
    context: [second(8) - 300_000_000, null],
    kept: [
      [NOW - 2 * 86_400_000_000, NOW - 2 * 86_400_000_000],
      [NOW, NOW],
    ],
  });
});
