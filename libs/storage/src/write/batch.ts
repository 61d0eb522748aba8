import { gunzipSync } from 'node:zlib';
import { type Instant, MICROS_PER_MILLI } from '@whydrop/model';
import type { Stage } from '@whydrop/contracts';
import type pg from 'pg';
import type { Database } from '../database.js';
import { payOrOwe, settleDebts } from './debts.js';

/** A raw batch, taken out again to be worked on. */
export interface StoredBatch {
  readonly id: bigint;
  readonly clusterId: number;
  readonly cluster: string;
  readonly emitterId: number;
  readonly node: string | null;
  readonly stream: string;
  readonly format: string;
  readonly observedFrom: Instant | undefined;
  readonly observedTo: Instant | undefined;
  readonly firstLine: number;
  readonly attributes: Readonly<Record<string, string>>;
  readonly receivedAt: Instant;
  /** Number, in the same stream and epoch, of the batch that the payload is told by; undefined: it is whole. */
  readonly base: bigint | undefined;
  readonly payload: string;
}

interface BatchRow {
  readonly id: bigint;
  readonly cluster_id: number;
  readonly cluster: string;
  readonly emitter_id: number;
  readonly node: string;
  readonly stream: string;
  readonly format: string;
  readonly observed_from: string | null;
  readonly observed_to: string | null;
  readonly first_line: number;
  readonly attributes: Readonly<Record<string, string>>;
  readonly received_at: Date;
  readonly base: bigint | null;
  readonly payload: Buffer;
}

/** A timestamptz column as microseconds since 1970, exact: `${MICROS('observed_at')}`. */
export const MICROS = (column: string): string => `(extract(epoch from ${column}) * 1000000)::int8`;

const SELECT = `
  SELECT b.id, c.id AS cluster_id, c.name AS cluster, e.id AS emitter_id, e.node, b.stream, b.format,
         ${MICROS('b.observed_from')} AS observed_from, ${MICROS('b.observed_to')} AS observed_to,
         b.first_line, b.attributes, b.received_at, b.base, b.payload
    FROM raw_batch b JOIN emitter e ON e.id = b.emitter_id JOIN cluster c ON c.id = e.cluster_id
   WHERE b.id = $1`;

const micros = (value: string | null): Instant | undefined => (value === null ? undefined : Number(value));

/** Loads and inflates one batch; undefined when there is none of that id. */
export async function loadBatch(database: Database, id: bigint): Promise<StoredBatch | undefined> {
  const { rows } = await database.pool.query<BatchRow>(SELECT, [id]);
  const row = rows[0];
  if (!row) return undefined;
  return {
    id: row.id,
    clusterId: row.cluster_id,
    cluster: row.cluster,
    emitterId: row.emitter_id,
    node: row.node === '' ? null : row.node,
    stream: row.stream,
    format: row.format,
    observedFrom: micros(row.observed_from),
    observedTo: micros(row.observed_to),
    firstLine: row.first_line,
    attributes: row.attributes,
    receivedAt: row.received_at.getTime() * MICROS_PER_MILLI,
    base: row.base ?? undefined,
    payload: gunzipSync(row.payload).toString('utf8'),
  };
}

/**
 * Claims a stage of a batch inside the transaction that writes its rows. False when it is done already: then there is
 * nothing to do. Two workers at once: the second waits for the first one's commit and gets false.
 */
export async function claimStage(client: pg.PoolClient, batchId: bigint, stage: Stage): Promise<boolean> {
  const { rowCount } = await client.query(
    'INSERT INTO batch_stage (batch_id, stage, rows) VALUES ($1, $2, 0) ON CONFLICT DO NOTHING',
    [batchId, stage],
  );
  return rowCount === 1;
}

/** A batch that is not worked through, and the stages it has behind it. */
export interface OpenBatch {
  readonly id: bigint;
  readonly clusterId: number;
  readonly stored: boolean;
}

// The subquery is asked row by row, oldest first: a join would begin with a ledger that is as long as what is kept.
const UNSTORED = `
  SELECT b.id, e.cluster_id, false AS stored FROM raw_batch b JOIN emitter e ON e.id = b.emitter_id
   WHERE b.finished_at IS NULL AND b.received_at < now() - make_interval(secs => $1)
     AND (SELECT s.batch_id FROM batch_stage s WHERE s.batch_id = b.id AND s.stage = 'store' LIMIT 1) IS NULL
   ORDER BY b.id LIMIT $2`;

const WAITING = `
  SELECT DISTINCT ON (e.cluster_id) b.id, e.cluster_id, true AS stored
    FROM batch_stage t JOIN raw_batch b ON b.id = t.batch_id JOIN emitter e ON e.id = b.emitter_id
   WHERE t.stage = 'store' AND NOT t.followed AND b.finished_at IS NULL AND b.received_at < now() - make_interval(secs => $1)
   ORDER BY e.cluster_id, b.id`;

/**
 * What was not worked through in time, for the sweep to put back on the queues: batches that are not stored, oldest first and
 * so many at most, and of each cluster the oldest that is stored and not correlated, for one run takes them all. What waits
 * for correlation keeps nothing from being stored.
 */
export async function openBatches(
  database: Database,
  olderThanSeconds: number,
  limit: number,
): Promise<readonly OpenBatch[]> {
  type Row = { id: bigint; cluster_id: number; stored: boolean };
  const unstored = await database.pool.query<Row>(UNSTORED, [olderThanSeconds, limit]);
  const waiting = await database.pool.query<Row>(WAITING, [olderThanSeconds]);
  return [...unstored.rows, ...waiting.rows].map(({ id, cluster_id, stored }) => ({
    id,
    clusterId: cluster_id,
    stored,
  }));
}

/** Counts an attempt before the work begins, so that a batch that kills its worker is known. Returns the count. */
export async function countAttempt(database: Database, id: bigint): Promise<number> {
  await settleDebts(database, id);
  const { rows } = await database.pool.query<{ attempts: number }>(
    'UPDATE raw_batch SET attempts = attempts + 1 WHERE id = $1 RETURNING attempts',
    [id],
  );
  return rows[0]?.attempts ?? 0;
}

/** How often work on a batch as a whole has begun. */
export async function attemptsOf(database: Database, id: bigint): Promise<number> {
  const { rows } = await database.pool.query<{ attempts: number }>('SELECT attempts FROM raw_batch WHERE id = $1', [
    id,
  ]);
  return rows[0]?.attempts ?? 0;
}

/** Takes a counted attempt back: it ended because the database went away, which is not the batch's fault. */
export function forgetAttempt(database: Database, id: bigint): Promise<void> {
  const text = 'UPDATE raw_batch SET attempts = attempts - 1 WHERE id = $1 AND attempts > 0';
  return payOrOwe(database, id, { text, values: [id] });
}

/** Whether the store stage of a batch is done. */
export async function isStored(database: Database, id: bigint): Promise<boolean> {
  const { rowCount } = await database.pool.query("SELECT 1 FROM batch_stage WHERE batch_id = $1 AND stage = 'store'", [
    id,
  ]);
  return rowCount === 1;
}
