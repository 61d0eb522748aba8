import { formatInstant, type Instant } from '@whydrop/model';
import type pg from 'pg';
import type { Database } from '../database.js';
import { MICROS } from '../write/batch.js';
import type { StoredPartition } from './partitions.js';

/**
 * What was told of the time next to removed data is not worked out anew: its witnesses reach back so far (a counter's
 * window, and an attempt on either side of it). In µs.
 */
export const FROZEN = 3_600_000_000 + 2 * 300_000_000;

/** Clusters that have something in these partitions. */
async function clustersIn(
  sql: pg.Pool | pg.PoolClient,
  partitions: readonly StoredPartition[],
): Promise<readonly number[]> {
  const found = new Set<number>();
  for (const { name } of partitions) {
    const { rows: columns } = await sql.query<{ column: string }>(
      `SELECT attname AS column FROM pg_attribute
        WHERE attrelid = to_regclass($1) AND attname IN ('cluster_id', 'emitter_id') AND NOT attisdropped`,
      [`"${name}"`],
    );
    const column = columns[0]?.column;
    if (column === undefined) continue;
    const { rows } = await sql.query<{ id: number }>(
      column === 'cluster_id'
        ? `SELECT DISTINCT cluster_id AS id FROM "${name}"`
        : `SELECT DISTINCT cluster_id AS id FROM emitter WHERE id IN (SELECT DISTINCT emitter_id FROM "${name}")`,
    );
    for (const { id } of rows) found.add(id);
  }
  return [...found].toSorted((a, b) => a - b);
}

/**
 * Writes down for every cluster in these partitions that nothing before `to` is kept any more. Waits until the cluster's
 * running correlation is done: those that begin later see it, and leave what was told of that time as it is.
 */
export async function raiseFloors(
  database: Database,
  partitions: readonly StoredPartition[],
  to: Instant,
): Promise<void> {
  for (const clusterId of await clustersIn(database.pool, partitions)) {
    await database.transaction(async (client) => {
      await client.query(`SET LOCAL lock_timeout = '60s'`);
      await client.query('SELECT pg_advisory_xact_lock(72707372, $1)', [clusterId]);
      await client.query(
        'UPDATE cluster SET kept_from = greatest(kept_from, $2) WHERE id = $1 AND (kept_from IS NULL OR kept_from < $2)',
        [clusterId, formatInstant(to)],
      );
    });
  }
}

/** From when on the raw data of a cluster are there; undefined when none were ever removed. */
export async function keptFrom(client: pg.Pool | pg.PoolClient, clusterId: number): Promise<Instant | undefined> {
  const { rows } = await client.query<{ at: bigint | null }>(
    `SELECT ${MICROS('kept_from')} AS at FROM cluster WHERE id = $1`,
    [clusterId],
  );
  const at = rows[0]?.at;
  return at == null ? undefined : Number(at);
}
