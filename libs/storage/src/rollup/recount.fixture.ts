import { LEVEL_MICROS, LEVELS, type Level } from '@whydrop/rollup';
import type pg from 'pg';
import { LEVEL_TABLE, SLICE_TABLE } from './apply.js';
import { resliced } from './add-up-slices.js';

// What the windows of a level must hold, counted anew from what is told.
const recount = (level: Level) => `
  SELECT date_bin('${LEVEL_MICROS[level] / 1_000_000} seconds', at, '1970-01-01T00:00:00Z') AS bucket, group_id, cluster_id,
         sum(drops)::int8 AS drops, sum(attempts)::int8 AS attempts, sum(packets)::int8 AS packets, sum(counted)::int8 AS counted
    FROM (SELECT first_seen_at AS at, group_id, cluster_id, 1 AS drops, attempts, packets, 0 AS counted FROM "drop"
          UNION ALL
          SELECT to_time - interval '1 microsecond', group_id, cluster_id, 0, 0, 0, packets - attributed FROM counted_drop
           WHERE packets > attributed) AS told
   GROUP BY 1, 2, 3`;

const stored = (level: Level) =>
  `SELECT bucket, group_id, cluster_id, drops, attempts, packets, counted FROM ${LEVEL_TABLE[level]}`;

const slices = (level: Level) =>
  `SELECT r.bucket, r.group_id, r.cluster_id, r.drops, r.attempts, r.packets, r.counted
     FROM ${SLICE_TABLE[level]} r JOIN drop_slice s ON s.id = r.group_id`;

/** Windows in which a level and what is told differ, from both sides; none when they agree. */
export async function differences(sql: pg.Pool | pg.PoolClient): Promise<readonly object[]> {
  const found: object[] = [];
  for (const level of LEVELS) {
    for (const [told, kept] of [
      [recount(level), stored(level)],
      [resliced(level), slices(level)],
    ]) {
      const { rows } = await sql.query(
        `SELECT 'told' AS side, * FROM ((${told}) EXCEPT ALL (${kept})) a
         UNION ALL SELECT 'rolled up', * FROM ((${kept}) EXCEPT ALL (${told})) b`,
      );
      found.push(...rows.map((row: object) => ({ level, ...row })));
    }
  }
  return found;
}
