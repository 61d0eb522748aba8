import { type Instant, instantFromRfc3339 } from '@whydrop/model';
import type pg from 'pg';
import type { Database } from '../database.js';

/** A partition with a range, as the catalogue has it. */
export interface StoredPartition {
  readonly table: string;
  readonly name: string;
  readonly from: Instant;
  readonly to: Instant;
  /** When it was made; undefined when an older version made it. */
  readonly since: Instant | undefined;
}

const PARTITIONS = `
  SELECT parent.relname AS table, c.relname AS name, obj_description(c.oid, 'pg_class') AS since,
         (regexp_match(pg_get_expr(c.relpartbound, c.oid), $$FROM \\('([^']+)'\\)$$))[1]::timestamptz AS from,
         (regexp_match(pg_get_expr(c.relpartbound, c.oid), $$TO \\('([^']+)'\\)$$))[1]::timestamptz AS to
    FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid JOIN pg_class parent ON parent.oid = i.inhparent
   WHERE c.relnamespace = 'public'::regnamespace AND parent.relkind = 'p'
     AND pg_get_expr(c.relpartbound, c.oid) <> 'DEFAULT'
   ORDER BY c.relname`;

/** Every partition with a range of every partitioned table. */
export async function loadPartitions(sql: pg.Pool | pg.PoolClient): Promise<readonly StoredPartition[]> {
  const { rows } = await sql.query<{ table: string; name: string; since: string | null; from: Date; to: Date }>(
    PARTITIONS,
  );
  return rows.map(({ since, from, to, ...names }) => ({
    ...names,
    from: from.getTime() * 1000,
    to: to.getTime() * 1000,
    since: since === null ? undefined : instantFromRfc3339(since),
  }));
}

/**
 * Takes a partition away with everything in it. False when somebody has been reading it all the time: then it stays for
 * the next run, so that nobody queues behind the lock.
 */
export async function dropPartition(database: Database, { table, name }: StoredPartition): Promise<boolean> {
  try {
    await database.transaction(async (client) => {
      await client.query(`SET LOCAL lock_timeout = '2s'`);
      await client.query(`ALTER TABLE "${table}" DETACH PARTITION "${name}"`);
      await client.query(`DROP TABLE "${name}"`);
    });
    return true;
  } catch (error) {
    if ((error as { code?: unknown }).code === '55P03') return false;
    throw error;
  }
}

/** A partitioned table. */
export interface PartitionedTable {
  /** The column that it is partitioned by. */
  readonly key: string;
  /** Its rows name the batch that they came in. */
  readonly ofBatch: boolean;
}

/** Tables that are partitioned, by their names. */
export async function partitionedTables(sql: pg.Pool | pg.PoolClient): Promise<ReadonlyMap<string, PartitionedTable>> {
  const { rows } = await sql.query<{ table: string; key: string; of_batch: boolean }>(
    `SELECT c.relname AS table, a.attname AS key,
            EXISTS (SELECT FROM pg_attribute b WHERE b.attrelid = c.oid AND b.attname = 'batch_id') AS of_batch
       FROM pg_partitioned_table p JOIN pg_class c ON c.oid = p.partrelid
       JOIN pg_attribute a ON a.attrelid = p.partrelid AND a.attnum = p.partattrs[0]
      WHERE c.relnamespace = 'public'::regnamespace`,
  );
  return new Map(rows.map(({ table, key, of_batch: ofBatch }) => [table, { key, ofBatch }]));
}
