import { createHash } from 'node:crypto';
import { PrismaPg } from '@prisma/adapter-pg';
import pg from 'pg';
import { PrismaClient } from './generated/client.js';
import { KEEP_ALIVE, SESSION_SETTINGS } from './session.js';

export type Sql = pg.Pool | pg.PoolClient;

/** One pool for everything: Prisma for what is not hot, plain SQL and COPY for what is. */
export interface Database {
  readonly pool: pg.Pool;
  readonly prisma: PrismaClient;
  /** Runs `work` in one transaction on one connection; commits when it resolves, rolls back when it throws. */
  transaction<T>(work: (client: pg.PoolClient) => Promise<T>): Promise<T>;
  close(): Promise<void>;
}

// bigint columns are read as bigint: counters and ids do not fit a double.
const types = {
  getTypeParser: ((oid: number, format?: 'text' | 'binary') => {
    if (oid === pg.types.builtins.INT8) return BigInt;
    return pg.types.getTypeParser(oid, format);
  }) as typeof pg.types.getTypeParser,
};

async function transaction<T>(pool: pg.Pool, work: (client: pg.PoolClient) => Promise<T>): Promise<T> {
  const client = await pool.connect();
  try {
    await client.query('BEGIN');
    const result = await work(client);
    await client.query('COMMIT');
    client.release();
    return result;
  } catch (error) {
    // A connection whose rollback fails is broken: it is thrown away instead of going back into the pool.
    const broken = await client.query('ROLLBACK').then(
      () => false,
      () => true,
    );
    client.release(broken);
    throw error;
  }
}

/** Opens the pool. */
export function openDatabase(url: string, options: { readonly max?: number } = {}): Database {
  // A server that hangs instead of refusing must not hold its callers for ever.
  const patience = { connectionTimeoutMillis: 10_000, ...KEEP_ALIVE };
  const session = { connectionString: url, options: SESSION_SETTINGS, max: options.max ?? 10, ...patience };
  const pool = new pg.Pool({ ...session, types });
  // An idle connection that dies (server restart) is replaced on the next query; unhandled it would end the process.
  pool.on('error', () => undefined);
  // One that dies while a transaction holds it, between two queries, tells only its holder: the next query fails.
  pool.on('connect', (client) => client.on('error', () => undefined));
  const prismaPool = new pg.Pool({ ...session, max: Math.min(4, session.max) });
  prismaPool.on('error', () => undefined);
  prismaPool.on('connect', (client) => client.on('error', () => undefined));
  const adapter = new PrismaPg(prismaPool, {
    disposeExternalPool: true,
    statementNameGenerator: ({ sql }) => createHash('sha1').update(sql).digest('hex'),
  });
  const prisma = new PrismaClient({ adapter });
  return {
    pool,
    prisma,
    transaction: (work) => transaction(pool, work),
    close: async () => {
      await prisma.$disconnect();
      await Promise.allSettled([prismaPool.ended ? undefined : prismaPool.end(), pool.end()]);
    },
  };
}
