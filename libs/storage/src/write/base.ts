import { gunzipSync } from 'node:zlib';
import type { Database } from '../database.js';

/**
 * A batch that is told by another one waits so long for it, by our clock. A minute is closed after five whatever is open
 * then, and a collector that dies between the two comes back sooner.
 */
export const BASE_WAIT_SECONDS = 300;

/** The batch by which `b` is told. */
export const BASE = `SELECT FROM raw_batch w
                      WHERE w.emitter_id = b.emitter_id AND w.stream = b.stream AND w.epoch = b.epoch AND w.sequence = b.base`;

/** The batch by which another one is told. */
export interface BaseBatch {
  readonly format: string;
  /** Whether it is told by another one itself: then nothing can be told by it. */
  readonly whole: boolean;
  /** Its bytes, one character each. */
  readonly payload: string;
}

/** A batch that is told by another one. */
export interface ToldBatch {
  readonly epoch: bigint;
  readonly sequence: bigint;
  readonly base: bigint;
  /** The batch's own bytes, one character each. */
  readonly payload: string;
  /** Undefined when it has not come, or is removed. */
  readonly by: BaseBatch | undefined;
}

interface Row {
  readonly epoch: bigint;
  readonly sequence: bigint;
  readonly base: bigint;
  readonly payload: Buffer;
  readonly base_format: string | null;
  readonly base_whole: boolean | null;
  readonly base_payload: Buffer | null;
}

const LOAD = `
  SELECT b.epoch, b.sequence, b.base, b.payload, w.format AS base_format, w.base IS NULL AS base_whole, w.payload AS base_payload
    FROM raw_batch b
    LEFT JOIN raw_batch w ON w.emitter_id = b.emitter_id AND w.stream = b.stream AND w.epoch = b.epoch AND w.sequence = b.base
   WHERE b.id = $1 AND b.base IS NOT NULL`;

const latin1 = (payload: Buffer) => gunzipSync(payload).toString('latin1');

/** A batch with the one that it is told by; undefined when it is whole. */
export async function loadTold(database: Database, id: bigint): Promise<ToldBatch | undefined> {
  const { rows } = await database.pool.query<Row>(LOAD, [id]);
  const row = rows[0];
  if (!row) return undefined;
  const { epoch, sequence, base, base_format: format, base_whole: whole, base_payload: payload } = row;
  const by =
    format === null || payload === null ? undefined : { format, whole: whole === true, payload: latin1(payload) };
  return { epoch, sequence, base, payload: latin1(row.payload), by };
}

/** Batches that are told by this one and are not stored: they may have come before it. */
export async function waitingFor(database: Database, id: bigint): Promise<readonly bigint[]> {
  const { rows } = await database.pool.query<{ id: bigint }>(
    `SELECT b.id FROM raw_batch w
       JOIN raw_batch b ON b.emitter_id = w.emitter_id AND b.stream = w.stream AND b.epoch = w.epoch AND b.base = w.sequence
      WHERE w.id = $1 AND b.base IS NOT NULL AND b.finished_at IS NULL
        AND NOT EXISTS (SELECT FROM batch_stage s WHERE s.batch_id = b.id AND s.stage = 'store')
      ORDER BY b.id`,
    [id],
  );
  return rows.map((row) => row.id);
}
