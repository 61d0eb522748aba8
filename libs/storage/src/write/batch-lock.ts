import type { Database } from '../database.js';

/** Waits for nobody: somebody else holds it, or it is ours. */
export type BatchLock =
  | { readonly kind: 'busy' }
  | {
      readonly kind: 'ours';
      /** A session that broke has given its locks back already. */
      release(): Promise<void>;
    };

/**
 * Marks a batch as being worked on for as long as this process lives: the lock belongs to a session, and a session ends with
 * its process. So an attempt that is slow is told from one that died.
 */
export async function lockBatch(database: Database, id: bigint): Promise<BatchLock> {
  const client = await database.pool.connect();
  // Below zero: migrations and partitions have their numbers above.
  const key = -id;
  try {
    const { rows } = await client.query<{ ours: boolean }>('SELECT pg_try_advisory_lock($1) AS ours', [key]);
    if (rows[0]?.ours !== true) {
      client.release();
      return { kind: 'busy' };
    }
  } catch (error) {
    client.release(true);
    throw error;
  }
  const release = () =>
    client.query('SELECT pg_advisory_unlock($1)', [key]).then(
      () => client.release(),
      () => client.release(true),
    );
  return { kind: 'ours', release };
}
