import { createHash } from 'node:crypto';
import { promisify } from 'node:util';
import { gzip } from 'node:zlib';
import type { Envelope } from '@whydrop/contracts';
import type { Database } from '../database.js';

/**
 * What became of a batch. `conflict`: the key is taken by a batch of other content (payload, base, format, first line or
 * attributes). `worked`: every stage is done, no job is needed.
 */
export type ReceivedBatch =
  | { readonly kind: 'stored'; readonly batchId: string; readonly duplicate: boolean; readonly worked: boolean }
  | { readonly kind: 'conflict'; readonly batchId: string };

const compress = promisify(gzip);

const FIND_EMITTER = {
  name: 'find-emitter',
  text: `SELECT e.id FROM emitter e JOIN cluster c ON c.id = e.cluster_id WHERE c.name = $1 AND e.node = $2`,
};

// The first statement's row is not visible to the second one's snapshot, so the id comes from either side.
const MAKE_EMITTER = `
  WITH made AS (INSERT INTO cluster (name) VALUES ($1) ON CONFLICT (name) DO NOTHING RETURNING id),
       c AS (SELECT id FROM made UNION ALL SELECT id FROM cluster WHERE name = $1 LIMIT 1)
  INSERT INTO emitter (cluster_id, node) SELECT id, $2 FROM c ON CONFLICT (cluster_id, node) DO NOTHING`;

const INSERT = {
  name: 'insert-raw-batch',
  text: `
    INSERT INTO raw_batch (emitter_id, stream, epoch, sequence, format, observed_from, observed_to, first_line,
                           attributes, payload, payload_bytes, sha256, base)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)
    ON CONFLICT (emitter_id, stream, epoch, sequence) DO NOTHING
    RETURNING id`,
};

const FIND = {
  name: 'find-raw-batch',
  text: `
    SELECT id, sha256 = $5 AND format = $6 AND first_line = $7 AND attributes = $8::jsonb
             AND base IS NOT DISTINCT FROM $9 AS same, finished_at IS NOT NULL AS worked
    FROM raw_batch
    WHERE emitter_id = $1 AND stream = $2 AND epoch = $3 AND sequence = $4`,
};

/** Row of the node that ships (name '' for the cluster as a whole); made when it is not there, by whoever is first. */
export async function emitterId(db: Database, cluster: string, node: string | null): Promise<number> {
  const values = [cluster, node ?? ''];
  for (let attempt = 0; attempt < 3; attempt++) {
    const { rows } = await db.pool.query<{ id: number }>({ ...FIND_EMITTER, values });
    if (rows[0]) return rows[0].id;
    await db.pool.query(MAKE_EMITTER, values);
  }
  throw new Error('an emitter row was neither found nor made');
}

async function findStored(db: Database, key: readonly unknown[], content: readonly unknown[]): Promise<ReceivedBatch> {
  type Row = { id: bigint; same: boolean; worked: boolean };
  const { rows } = await db.pool.query<Row>({ ...FIND, values: [...key, ...content] });
  const row = rows[0];
  if (!row) throw new Error('a raw batch was neither inserted nor found');
  const batchId = String(row.id);
  return row.same ? { kind: 'stored', batchId, duplicate: true, worked: row.worked } : { kind: 'conflict', batchId };
}

/**
 * Stores a batch under its natural key and returns after the commit. The same batch again changes nothing.
 * Throws when Postgres is away; nothing is stored then.
 */
export async function storeRawBatch(db: Database, envelope: Envelope, payload: Buffer): Promise<ReceivedBatch> {
  const sha256 = createHash('sha256').update(payload).digest();
  // Level 1: a third of the time of the default for a tenth more bytes.
  const compressed = await compress(payload, { level: 1 });
  const key = [
    await emitterId(db, envelope.cluster, envelope.node),
    envelope.stream,
    envelope.epoch,
    envelope.sequence,
  ];
  const attributes = JSON.stringify(envelope.attributes);
  const base = envelope.base ?? null;
  const head = [...key, envelope.format, envelope.observedFrom, envelope.observedTo, envelope.firstLine, attributes];
  const { rows } = await db.pool.query<{ id: bigint }>({
    ...INSERT,
    values: [...head, compressed, payload.length, sha256, base],
  });
  if (rows[0]) return { kind: 'stored', batchId: String(rows[0].id), duplicate: false, worked: false };
  return findStored(db, key, [sha256, envelope.format, envelope.firstLine, attributes, base]);
}
