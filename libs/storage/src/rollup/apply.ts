import { type Delta, type Deltas, LEVELS, type Level } from '@whydrop/rollup';
import type { Instant } from '@whydrop/model';
import type pg from 'pg';
import { MICROS } from '../write/batch.js';

/** Table of a level. */
export const LEVEL_TABLE: Readonly<Record<Level, string>> = {
  minute: 'drop_minute',
  hour: 'drop_hour',
  day: 'drop_day',
};

const added = (table: string) => `
  INSERT INTO ${table} AS r (bucket, group_id, cluster_id, drops, attempts, packets, counted)
  SELECT 'epoch'::timestamptz + t.bucket * interval '1 microsecond', t.group_id, $1, t.drops, t.attempts, t.packets, t.counted
    FROM unnest($2::int8[], $3::text[], $4::int8[], $5::int8[], $6::int8[], $7::int8[])
         AS t(bucket, group_id, drops, attempts, packets, counted)
      ON CONFLICT (bucket, group_id) DO UPDATE
     SET drops = r.drops + excluded.drops, attempts = r.attempts + excluded.attempts,
         packets = r.packets + excluded.packets, counted = r.counted + excluded.counted`;

const emptied = (table: string) => `
  DELETE FROM ${table} r USING unnest($1::int8[], $2::text[]) AS t(bucket, group_id)
   WHERE r.bucket = 'epoch'::timestamptz + t.bucket * interval '1 microsecond' AND r.group_id = t.group_id
     AND r.drops = 0 AND r.attempts = 0 AND r.packets = 0 AND r.counted = 0`;

const tookBack = ({ drops, counted, packets, attempts }: Delta) =>
  drops < 0 || counted < 0 || packets < 0 || attempts < 0;

/** From when on each level is kept; levels from which nothing was removed are absent. */
export async function levelsKeptFrom(client: pg.Pool | pg.PoolClient): Promise<ReadonlyMap<Level, Instant>> {
  const { rows } = await client.query<{ level: Level; at: bigint }>(
    `SELECT level, ${MICROS('kept_from')} AS at FROM rollup_kept`,
  );
  return new Map(rows.map(({ level, at }) => [level, Number(at)]));
}

async function applyLevel(
  client: pg.PoolClient,
  clusterId: number,
  level: Level,
  deltas: Deltas,
  keptFrom: Instant,
): Promise<void> {
  // A window that was removed gets no part of itself back.
  const changes = deltas.of(level).filter(({ bucket }) => bucket >= keptFrom);
  if (changes.length === 0) return;
  const column = <Name extends keyof Delta>(name: Name, list = changes) => list.map((delta) => delta[name]);
  const sums = (['drops', 'attempts', 'packets', 'counted'] as const).map((name) => column(name));
  await client.query(added(LEVEL_TABLE[level]), [clusterId, column('bucket'), column('groupId'), ...sums]);
  const less = changes.filter(tookBack);
  if (less.length === 0) return;
  await client.query(emptied(LEVEL_TABLE[level]), [column('bucket', less), column('groupId', less)]);
}

/**
 * Writes what changed into every level, in the transaction that changed it: a window's sum is at any commit what its drops
 * and counted packets add up to. Windows in which nothing is left have no row.
 */
export async function applyDeltas(client: pg.PoolClient, clusterId: number, deltas: Deltas): Promise<void> {
  const kept = await levelsKeptFrom(client);
  for (const level of LEVELS) await applyLevel(client, clusterId, level, deltas, kept.get(level) ?? -Infinity);
}
