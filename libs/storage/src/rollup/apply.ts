import { type Delta, type Deltas, LEVELS, type Level, type Slice } from '@whydrop/rollup';
import type { Instant } from '@whydrop/model';
import type pg from 'pg';
import { MICROS } from '../write/batch.js';

/** Table of a level. */
export const LEVEL_TABLE: Readonly<Record<Level, string>> = {
  minute: 'drop_minute',
  hour: 'drop_hour',
  day: 'drop_day',
};

/** Table of a level's slices. */
export const SLICE_TABLE: Readonly<Record<Level, string>> = {
  minute: 'slice_minute',
  hour: 'slice_hour',
  day: 'slice_day',
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
async function levelsKeptFrom(client: pg.Pool | pg.PoolClient): Promise<ReadonlyMap<Level, Instant>> {
  const { rows } = await client.query<{ level: Level; at: bigint }>(
    `SELECT level, ${MICROS('kept_from')} AS at FROM rollup_kept`,
  );
  return new Map(rows.map(({ level, at }) => [level, Number(at)]));
}

async function applyChanges(
  client: pg.PoolClient,
  clusterId: number,
  table: string,
  changes: readonly Delta[],
): Promise<void> {
  if (changes.length === 0) return;
  const column = <Name extends keyof Delta>(name: Name, list = changes) => list.map((delta) => delta[name]);
  const sums = (['drops', 'attempts', 'packets', 'counted'] as const).map((name) => column(name));
  await client.query(added(table), [clusterId, column('bucket'), column('groupId'), ...sums]);
  const less = changes.filter(tookBack);
  if (less.length === 0) return;
  await client.query(emptied(table), [column('bucket', less), column('groupId', less)]);
}

/** What changed: per group, and per slice of everything. */
export interface RollupChanges {
  readonly groups: Deltas;
  readonly slices: Deltas;
  /** The slices that something was added to. */
  readonly named: Iterable<Slice>;
}

async function putSlices(client: pg.PoolClient, clusterId: number, named: Iterable<Slice>): Promise<void> {
  const slices = [...new Map([...named].map((slice) => [slice.id, slice])).values()];
  if (slices.length === 0) return;
  const columns = (['id', 'verdict', 'dimension', 'value'] as const).map((name) => slices.map((slice) => slice[name]));
  await client.query(
    `INSERT INTO drop_slice (id, cluster_id, verdict, dimension, value)
     SELECT t.id, $1, t.verdict, t.dimension, t.value
       FROM unnest($2::text[], $3::text[], $4::text[], $5::text[]) AS t(id, verdict, dimension, value)
         ON CONFLICT (id) DO NOTHING`,
    [clusterId, ...columns],
  );
}

/**
 * Writes what changed into every level, in the transaction that changed it: a window's sum is at any commit what its drops
 * and counted packets add up to. Windows in which nothing is left have no row.
 */
export async function applyDeltas(client: pg.PoolClient, clusterId: number, changes: RollupChanges): Promise<void> {
  const kept = await levelsKeptFrom(client);
  for (const level of LEVELS) {
    // A window that was removed gets no part of itself back.
    const isKept = ({ bucket }: Delta) => bucket >= (kept.get(level) ?? -Infinity);
    await applyChanges(client, clusterId, LEVEL_TABLE[level], changes.groups.of(level).filter(isKept));
    await applyChanges(client, clusterId, SLICE_TABLE[level], changes.slices.of(level).filter(isKept));
  }
  await putSlices(client, clusterId, changes.named);
}
