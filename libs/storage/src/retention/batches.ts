import type { Instant } from '@whydrop/model';
import type { Database } from '../database.js';

/** Rows that one statement takes away: it holds its locks for moments. */
const AT_ONCE = 500;
/** Statements of one run; what is left is the next run's. */
const MOST = 2_000;

// A batch that comes again must find itself as long as its rows are there: a day of which anything is left keeps all batches
// that have rows in it. Those that an older version stored have them on the day they came.
const DAY = `(extract(epoch FROM date_trunc('day', w.finished_at, 'UTC')) * 1000000)::int8`;
const HAS_ROWS = `
  SELECT FROM batch_stage s, jsonb_array_elements(coalesce(s.touched -> 'kept', jsonb_build_array(jsonb_build_array(${DAY}, ${DAY})))) k,
              unnest($2::int8[]) AS day
   WHERE s.batch_id = w.id AND s.stage = 'store' AND day BETWEEN (k ->> 0)::int8 AND (k ->> 1)::int8`;

// A batch's rejects and ledger rows go with it. What others are told by goes after them.
const BATCHES = `
  WITH old AS MATERIALIZED (
         SELECT id FROM raw_batch w
          WHERE finished_at < $1 AND NOT EXISTS (${HAS_ROWS})
            AND NOT EXISTS (SELECT FROM raw_batch b
                             WHERE b.emitter_id = w.emitter_id AND b.stream = w.stream AND b.epoch = w.epoch AND b.base = w.sequence)
          ORDER BY id LIMIT ${AT_ONCE} FOR UPDATE SKIP LOCKED),
       rejects AS (DELETE FROM reject WHERE batch_id IN (SELECT id FROM old)),
       stages AS (DELETE FROM batch_stage WHERE batch_id IN (SELECT id FROM old))
  SELECT id FROM old`;

async function removeBatches(database: Database, before: string, days: readonly Instant[]): Promise<number> {
  return database.transaction(async (client) => {
    const { rows } = await client.query<{ id: bigint }>(BATCHES, [before, days]);
    const ids = rows.map(({ id }) => id);
    await client.query('DELETE FROM raw_batch WHERE id = ANY($1)', [ids]);
    return ids.length;
  });
}

/**
 * Removes batches that were worked through before that time and have no rows in the days that are left, in small steps. The
 * table is not partitioned: its natural key must hold over all of it.
 */
export async function removeOldBatches(database: Database, before: string, days: readonly Instant[]): Promise<number> {
  let removed = 0;
  for (let step = 0; step < MOST; step++) {
    const some = await removeBatches(database, before, days);
    removed += some;
    if (some < AT_ONCE) break;
  }
  return removed;
}

/** Removes what a condition names from a table without partitions, in small steps. `$1` is the time. */
export async function removeRows(
  database: Database,
  table: string,
  condition: string,
  before: string,
): Promise<number> {
  let removed = 0;
  for (let step = 0; step < MOST; step++) {
    const { rowCount } = await database.pool.query(
      `DELETE FROM "${table}" WHERE ctid = ANY (ARRAY(SELECT t.ctid FROM "${table}" t WHERE ${condition} LIMIT ${AT_ONCE * 10}))`,
      [before],
    );
    removed += rowCount ?? 0;
    if ((rowCount ?? 0) < AT_ONCE * 10) break;
  }
  return removed;
}
