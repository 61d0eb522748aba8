import type pg from 'pg';
import { isOfTheInput } from '../ingest/unavailable.js';

/**
 * Does one piece of a transaction's work behind a savepoint. Gives what was wrong with its values when they were refused;
 * then the piece is undone, and what stands beside it is not.
 */
export async function refusalOf(client: pg.PoolClient, work: () => Promise<void>): Promise<string | undefined> {
  await client.query('SAVEPOINT piece');
  try {
    await work();
    await client.query('RELEASE SAVEPOINT piece');
    return undefined;
  } catch (error) {
    if (!isOfTheInput(error)) throw error;
    await client.query('ROLLBACK TO SAVEPOINT piece');
    await client.query('RELEASE SAVEPOINT piece');
    return error instanceof Error ? error.message : String(error);
  }
}
