import { LEVELS, type Level } from '@whydrop/rollup';
import type pg from 'pg';
import { LEVEL_TABLE, SLICE_TABLE } from './apply.js';
import { GROUPS, NAMESPACE } from './dimensions.js';

/** SQL: what the slices of a level must hold, added up anew from its groups. */
export const resliced = (level: Level) => `
  SELECT r.bucket, g.cluster_id || '/' || g.verdict || '/' || s.dimension || '/' || s.value, g.cluster_id, sum(r.drops)::int8,
         sum(r.attempts)::int8, sum(r.packets)::int8, sum(r.counted)::int8
    FROM ${LEVEL_TABLE[level]} r JOIN ${GROUPS} g ON g.id = r.group_id,
         LATERAL (SELECT 'all', '' UNION ALL SELECT 'cause', g.cause UNION ALL SELECT 'namespace', coalesce(${NAMESPACE}, '')
                  UNION ALL SELECT 'policy', p FROM unnest(CASE WHEN cardinality(g.policies) = 0 THEN ARRAY[''] ELSE g.policies END) p
                 ) AS s(dimension, value)
   GROUP BY 1, 2, 3`;

/** Fills the slices anew from the groups' windows: for whoever wrote those past the pipeline, like benchmarks and tests. */
export async function addUpSlices(sql: pg.Pool | pg.PoolClient): Promise<void> {
  await sql.query('TRUNCATE drop_slice, slice_minute, slice_hour, slice_day');
  for (const level of LEVELS) await sql.query(`INSERT INTO ${SLICE_TABLE[level]} ${resliced(level)}`);
  await sql.query(
    `INSERT INTO drop_slice SELECT DISTINCT group_id, cluster_id, split_part(group_id, '/', 2), split_part(group_id, '/', 3),
            substr(group_id, length(concat_ws('/', split_part(group_id, '/', 1), split_part(group_id, '/', 2), split_part(group_id, '/', 3))) + 2)
       FROM slice_day`,
  );
}
