import type { Decoded } from '@whydrop/decoders';
import type { Instant } from '@whydrop/model';
import type pg from 'pg';
import type { Database } from '../database.js';
import { claimStage, type StoredBatch } from './batch.js';
import { payOrOwe, settleDebts } from './debts.js';
import { finishStore, storeRecords } from './store-batch.js';
import { together, type Touched } from './touched.js';

/** Some lines of a batch that as a whole kept killing its worker. */
export interface BatchPart {
  /** In the payload, from 1; both ends are in it. */
  readonly firstLine: number;
  readonly lastLine: number;
  /** How often work on it has begun, this time included. */
  readonly attempts: number;
}

/** The whole batch is the first part, once. */
const BEGIN = `
  INSERT INTO batch_part (batch_id, first_line, last_line)
  SELECT $1, 1, $2 WHERE NOT EXISTS (SELECT 1 FROM batch_part WHERE batch_id = $1)
                     AND NOT EXISTS (SELECT 1 FROM batch_stage WHERE batch_id = $1 AND stage = 'store')
  ON CONFLICT DO NOTHING`;

// What was tried least goes first: the harmless lines are stored before the harmful one is cornered.
const TAKE = `
  UPDATE batch_part SET attempts = attempts + 1
   WHERE batch_id = $1 AND first_line = (
     SELECT first_line FROM batch_part WHERE batch_id = $1 AND rows IS NULL ORDER BY attempts, first_line LIMIT 1)
  RETURNING first_line AS "firstLine", last_line AS "lastLine", attempts`;

/** Takes a part of a batch that is not stored, and counts the attempt before the work begins; undefined when there is none left. */
export async function takePart(database: Database, batch: StoredBatch, lines: number): Promise<BatchPart | undefined> {
  await settleDebts(database, batch.id);
  await database.pool.query(BEGIN, [batch.id, lines]);
  const { rows } = await database.pool.query<BatchPart>(TAKE, [batch.id]);
  return rows[0];
}

/** Takes a counted attempt back: the database went away, which is not the part's fault. */
export function forgetPartAttempt(database: Database, { id }: StoredBatch, { firstLine }: BatchPart): Promise<void> {
  const text = 'UPDATE batch_part SET attempts = attempts - 1 WHERE batch_id = $1 AND first_line = $2 AND attempts > 0';
  return payOrOwe(database, id, { text, values: [id, firstLine] });
}

/** Makes two parts of one; the second begins at the line `cut`. Their attempts are counted anew. */
export async function splitPart(database: Database, batch: StoredBatch, part: BatchPart, cut: number): Promise<void> {
  const { firstLine, lastLine } = part;
  await database.pool.query(
    `WITH first AS (UPDATE batch_part SET last_line = $3, attempts = 0
                     WHERE batch_id = $1 AND first_line = $2 AND last_line = $4 AND rows IS NULL RETURNING batch_id)
     INSERT INTO batch_part (batch_id, first_line, last_line) SELECT batch_id, $3::int + 1, $4 FROM first`,
    [batch.id, firstLine, cut - 1, lastLine],
  );
}

/** Stores the records of one part, once. False when they are there. */
export function storePart(
  database: Database,
  batch: StoredBatch,
  { firstLine, lastLine }: BatchPart,
  decoded: Iterable<Decoded>,
  now: Instant,
): Promise<boolean> {
  const own = [batch.id, firstLine, lastLine];
  const claim = async (client: pg.PoolClient) => {
    await client.query('SELECT 1 FROM raw_batch WHERE id = $1 FOR UPDATE', [batch.id]);
    const { rows } = await client.query<{ stored: bigint }>(
      `SELECT coalesce((SELECT sum(rows + rejects) FROM batch_part WHERE batch_id = $1), 0)::int8 AS stored FROM batch_part
        WHERE batch_id = $1 AND first_line = $2 AND last_line = $3 AND rows IS NULL`,
      own,
    );
    return rows[0] && Number(rows[0].stored);
  };
  return storeRecords(database, batch, decoded, now, claim, async (client, { rows, rejects, touched }) => {
    await client.query(
      'UPDATE batch_part SET rows = $4, rejects = $5, touched = $6 WHERE batch_id = $1 AND first_line = $2 AND last_line = $3',
      [...own, rows, rejects, JSON.stringify(touched)],
    );
  });
}

interface StoredPart {
  readonly rows: number;
  readonly rejects: number;
  readonly touched: Touched;
}

/** Ends the store stage of a batch whose parts are all stored. False when it was ended before. */
export function finishParts(database: Database, batch: StoredBatch): Promise<boolean> {
  return database.transaction(async (client) => {
    if (!(await claimStage(client, batch.id, 'store'))) return false;
    const { rows } = await client.query<StoredPart>(
      'SELECT rows, rejects, touched FROM batch_part WHERE batch_id = $1',
      [batch.id],
    );
    const sum = (of: 'rows' | 'rejects') => rows.reduce((total, part) => total + part[of], 0);
    await finishStore(client, batch, sum('rows'), sum('rejects'), together(rows.map((part) => part.touched)));
    await client.query('DELETE FROM batch_part WHERE batch_id = $1', [batch.id]);
    return true;
  });
}
