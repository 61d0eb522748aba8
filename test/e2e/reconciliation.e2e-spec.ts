import { BEGIN, driftingNode, STEP } from './drifting-node.js';
import type { BundleBatch } from '../../apps/cli/src/import/bundle.js';
import { envelopeSchema } from '@whydrop/contracts';
import { decodeStream, isFormat } from '@whydrop/decoders';
import { formatInstant } from '@whydrop/model';
import { correlateCluster, type Database, loadBatch, loadOpenFindings, openDatabase } from '@whydrop/storage';
import { reconcileDue, storeDecoded, storeRawBatch } from '@whydrop/storage';
import { testDatabase, type TestDatabase } from '@whydrop/testing';

async function store(database: Database, { envelope, payload }: BundleBatch): Promise<void> {
  const received = await storeRawBatch(database, envelopeSchema.parse(envelope), Buffer.from(payload));
  const batch = await loadBatch(database, BigInt(received.batchId));
  if (!batch || !isFormat(batch.format)) return;
  const { observedFrom, observedTo, firstLine, attributes } = batch;
  const context = { observedFrom, observedTo, firstLine, attributes };
  await storeDecoded(database, batch, decodeStream(batch.format, batch.payload, context), BEGIN);
  await correlateCluster(database, batch.clusterId);
}

async function rows(database: Database): Promise<readonly Record<string, unknown>[]> {
  const found = await database.pool.query<Record<string, unknown>>(
    `SELECT id, kind, severity, namespace, workload, direction, subject, policies, sentence, detail,
            (extract(epoch FROM first_seen_at) * 1000000)::int8 AS first, (extract(epoch FROM last_seen_at) * 1000000)::int8 AS last,
            (extract(epoch FROM opened_at) * 1000000)::int8 AS opened, (extract(epoch FROM resolved_at) * 1000000)::int8 AS resolved
       FROM reconciliation_finding ORDER BY first_seen_at, id`,
  );
  return found.rows;
}

const stepOf = (value: unknown) => (typeof value === 'bigint' ? (Number(value) - BEGIN) / STEP : value);

describe('differences between what was written and what a node runs', () => {
  let test: TestDatabase;
  let database: Database;

  beforeEach(async () => {
    test = await testDatabase();
    database = openDatabase(test.url);
  });

  afterEach(async () => {
    await database.close();
    await test.drop();
  });

  it('are raised after the time to settle and resolved when they are gone; what settles is no finding', async () => {
    for (const batch of await driftingNode()) {
      await store(database, batch);
      await reconcileDue(database);
    }
    const found = (await rows(database)).map((row) => ({
      what: `${String(row['kind'])} ${String(row['workload'])} ${String(row['subject'])}`,
      steps: ['first', 'last', 'opened', 'resolved'].map((name) => stepOf(row[name])),
    }));
    expect(found).toEqual([
      { what: 'SET_MEMBER_MISSING web cali40s:s5AS7YPbgJrZVj_0vqawL6X', steps: [2, 5, 4, 6] },
      { what: 'ORPHAN_CHAIN null cali-tw-cali0123456789a', steps: [3, 6, 5, 7] },
      { what: 'SET_MEMBER_MISSING web cali40s:s5AS7YPbgJrZVj_0vqawL6X', steps: [7, 7, null, 8] },
    ]);
    const open = await loadOpenFindings(database.pool, 1, BEGIN + 5 * STEP);
    expect(open.map(({ kind, node, severity }) => `${kind} ${node} ${severity}`)).toEqual([
      'SET_MEMBER_MISSING n2 warning',
      'ORPHAN_CHAIN n2 info',
    ]);
    expect(open[0]?.sentence).toBe(
      'Set cali40s:s5AS7YPbgJrZVj_0vqawL6X on node n2 lacks 10.244.1.10: shop/client -> shop/web:80/TCP on node n2: policy allows it, the node stops it.',
    );
    expect(open[0]?.policies).toEqual(['NetworkPolicy/shop/web-from-client']);
    expect(await loadOpenFindings(database.pool, 1, BEGIN + 9 * STEP)).toEqual([]);
  });

  it('are the same whatever the order of arrival, and nothing is compared twice', async () => {
    const all = await driftingNode();
    const shuffled = all.map((batch, i) => ({ batch, key: (i * 7919) % 31 })).toSorted((a, b) => a.key - b.key);
    for (const [i, { batch }] of shuffled.entries()) {
      await store(database, batch);
      if (i % 3 === 0) await reconcileDue(database);
    }
    await reconcileDue(database);
    const first = await rows(database);
    expect(first).toHaveLength(3);

    await database.pool.query('TRUNCATE reconciliation_finding');
    await database.pool.query(
      `INSERT INTO reconciliation_due (emitter_id, cluster_id, from_time)
       SELECT id, cluster_id, 'epoch' FROM emitter WHERE node = 'n2'`,
    );
    expect(await reconcileDue(database)).toEqual({ nodes: 1, compared: 0, leftOut: 0, failed: [] });
    expect(await rows(database)).toEqual(first);
    expect(await reconcileDue(database)).toEqual({ nodes: 0, compared: 0, leftOut: 0, failed: [] });
  });

  it('are looked for from when on something else is in force, also where an earlier change comes late', async () => {
    const hour = 3_600_000_000;
    await database.pool.query(`INSERT INTO cluster (name) VALUES ('late')`);
    await database.pool.query(
      `INSERT INTO emitter (cluster_id, node) SELECT id, 'n9' FROM cluster WHERE name = 'late'`,
    );
    const pod = (at: number, type: string, sequence: number): BundleBatch => {
      const metadata = { name: 'web', namespace: 'shop', uid: 'u1', creationTimestamp: formatInstant(BEGIN - hour) };
      const object = { apiVersion: 'v1', kind: 'Pod', metadata: { ...metadata, resourceVersion: String(sequence) } };
      const stream = { cluster: 'late', node: null, stream: 'events', format: 'kubernetes-events' };
      const payload = `${JSON.stringify({ at: formatInstant(at), type, object })}\n`;
      return { envelope: { version: 1, ...stream, epoch: 1, sequence }, payload: Buffer.from(payload) };
    };
    // Taken to be in force since its creation, until it turns out that there was another version before it.
    await store(database, pod(BEGIN + hour, 'ADDED', 1));
    await database.pool.query('TRUNCATE reconciliation_due');
    await store(database, pod(BEGIN, 'MODIFIED', 2));
    const { rows: due } = await database.pool.query<{ before: boolean }>(
      'SELECT from_time <= $1::timestamptz AS before FROM reconciliation_due',
      [formatInstant(BEGIN - hour)],
    );
    expect(due).toEqual([{ before: true }]);
  });
});
