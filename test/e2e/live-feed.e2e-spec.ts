import path from 'node:path';
import { envelopeSchema } from '@whydrop/contracts';
import { decodeStream } from '@whydrop/decoders';
import {
  correlateCluster,
  type LiveChange,
  loadBatch,
  openDatabase,
  openLiveFeed,
  storeDecoded,
  storeRawBatch,
} from '@whydrop/storage';
import { testDatabase } from '@whydrop/testing';
import { batchesOf } from './delivery.js';

const BUNDLE = path.resolve(import.meta.dirname, '../scenarios/not-a-policy-calico-old/bundle');

it('every drop is told once when it is first explained, however often later batches explain it anew', async () => {
  const test = await testDatabase();
  const database = openDatabase(test.url);
  const feed = openLiveFeed(database);
  const told: string[] = [];
  const stop = await feed.listen((change: LiveChange) => change.kind === 'drops' && told.push(...change.ids));
  try {
    for (const { envelope, payload } of await batchesOf(BUNDLE)) {
      const received = await storeRawBatch(database, envelopeSchema.parse(envelope), Buffer.from(payload));
      const batch = await loadBatch(database, BigInt(received.batchId));
      if (!batch) throw new Error('the batch is not there');
      const { observedFrom, observedTo, firstLine, attributes } = batch;
      const context = { observedFrom, observedTo, firstLine, attributes };
      await storeDecoded(database, batch, decodeStream(batch.format as never, batch.payload, context), 0);
      await correlateCluster(database, batch.clusterId);
    }
    // An earlier witness gives a drop another id; it was told under the one it had, which leads to it.
    const { rows } = await database.pool.query<{ names: readonly string[] }>(
      `SELECT ARRAY(SELECT d.id UNION SELECT f.id FROM former_drop_id f WHERE f.drop_id = d.id) AS names FROM "drop" d`,
    );
    expect(rows.length).toBeGreaterThan(0);
    const missing = () => rows.filter(({ names }) => !names.some((id) => told.includes(id)));
    for (let tries = 0; tries < 100 && missing().length > 0; tries++)
      await new Promise((resolve) => setTimeout(resolve, 20));
    expect(missing()).toEqual([]);
    const stored = told.filter((id) => rows.some(({ names }) => names.includes(id)));
    expect(stored).toHaveLength(new Set(stored).size);
  } finally {
    stop();
    await feed.close();
    await database.close();
    await test.drop();
  }
});
