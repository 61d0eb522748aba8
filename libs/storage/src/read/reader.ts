import { createHash } from 'node:crypto';
import pg from 'pg';
import type { Database } from '../database.js';
import { SESSION_SETTINGS } from '../session.js';
import { SCOPED_SESSION, scopedStatement, type Scope } from './scope/scope.js';

/** SQL with its values, as a read model makes it. */
export interface Statement {
  readonly text: string;
  readonly values: readonly unknown[];
}

/** Runs the statements of read models: cannot write, and gives up when one takes too long. */
export interface Reader {
  /** With a scope, only of what it leaves of every table. */
  rows<Row>(statement: Statement, scope?: Scope): Promise<readonly Row[]>;
  close(): Promise<void>;
}

export interface ReaderOptions {
  readonly timeoutMs?: number;
  readonly max?: number;
  /** Told of every statement: for tests and metrics. */
  readonly onStatement?: (text: string) => void;
}

// Filters make many shapes of SQL. Only so many are kept prepared in a session; the rest is planned each time.
const MAX_PREPARED = 200;

/** Opens connections for reading beside the pool of `database`, to the same place. */
export function openReader(database: Database, options: ReaderOptions = {}): Reader {
  const session = [
    SESSION_SETTINGS,
    `-c statement_timeout=${options.timeoutMs ?? 10_000}`,
    '-c default_transaction_read_only=on',
  ];
  const openPool = (...further: readonly string[]) => {
    const settings = [...session, ...further].join(' ');
    const max = options.max ?? 10;
    const pool = new pg.Pool({ ...database.pool.options, max, connectionTimeoutMillis: 5_000, options: settings });
    pool.on('error', () => undefined);
    return pool;
  };
  // Neither opens a connection before the first statement.
  const pool = openPool();
  const scopedPool = openPool(SCOPED_SESSION);
  let closed: Promise<unknown> | undefined;
  const prepared = new Map<string, string>();
  const nameOf = (text: string): string | undefined => {
    const known = prepared.get(text);
    if (known !== undefined || prepared.size >= MAX_PREPARED) return known;
    const name = createHash('sha1').update(text).digest('base64url');
    prepared.set(text, name);
    return name;
  };
  return {
    rows: async <Row>(statement: Statement, scope?: Scope) => {
      const { text, values } = scope ? scopedStatement(statement, scope) : statement;
      options.onStatement?.(text);
      const name = nameOf(text);
      const { rows } = await (scope ? scopedPool : pool).query({
        ...(name === undefined ? {} : { name }),
        text,
        values: [...values],
      });
      return rows as readonly Row[];
    },
    close: async () => {
      closed ??= Promise.all([pool.end(), scopedPool.end()]);
      await closed;
    },
  };
}

/** Postgres stopped the statement because it took too long. */
export function isTimeout(error: unknown): boolean {
  return typeof error === 'object' && error !== null && 'code' in error && error.code === '57014';
}
