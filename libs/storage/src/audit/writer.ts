import type pg from 'pg';
import type { Database } from '../database.js';
import type { Reader } from '../read/reader.js';

/** What changes are written through: the pool, or the one transaction of a change and its line in the audit log. */
export interface Writer {
  readonly pool: Pick<pg.Pool, 'query'>;
  transaction<T>(work: (client: pg.PoolClient) => Promise<T>): Promise<T>;
}

/** Part of a transaction that can fail without it. */
async function within<T>(client: pg.PoolClient, work: (client: pg.PoolClient) => Promise<T>): Promise<T> {
  await client.query('SAVEPOINT part');
  try {
    const result = await work(client);
    await client.query('RELEASE SAVEPOINT part');
    return result;
  } catch (error) {
    await client.query('ROLLBACK TO SAVEPOINT part');
    throw error;
  }
}

/** Runs `work` in one transaction: all that goes through its writer is there when it resolves, nothing when it throws. */
export function inOneChange<T>(database: Database, work: (writer: Writer) => Promise<T>): Promise<T> {
  return database.transaction((client) => {
    const pool = client as Pick<pg.Pool, 'query'>;
    return work({ pool, transaction: (part) => within(client, part) });
  });
}

/** Reads what a change has written before it is committed. Shows everything: only for those who see all namespaces. */
export function readerOf(writer: Writer): Reader {
  return {
    rows: async <Row>({ text, values }: Parameters<Reader['rows']>[0]) => {
      const { rows } = await writer.pool.query(text, [...values]);
      return rows as readonly Row[];
    },
    close: () => Promise.resolve(),
  };
}
