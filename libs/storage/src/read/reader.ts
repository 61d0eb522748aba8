import { createHash } from 'node:crypto';
import pg from 'pg';
import type { Database } from '../database.js';

/** SQL with its values, as a read model makes it. */
export interface Statement {
  readonly text: string;
  readonly values: readonly unknown[];
}

/** Runs the statements of read models: cannot write, and gives up when one takes too long. */
export interface Reader {
  rows<Row>(statement: Statement): Promise<readonly Row[]>;
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
    '-c timezone=UTC',
    `-c statement_timeout=${options.timeoutMs ?? 10_000}`,
    '-c default_transaction_read_only=on',
  ];
  const pool = new pg.Pool({
    ...database.pool.options,
    max: options.max ?? 10,
    connectionTimeoutMillis: 5_000,
    options: session.join(' '),
  });
  pool.on('error', () => undefined);
  const prepared = new Map<string, string>();
  const nameOf = (text: string): string | undefined => {
    const known = prepared.get(text);
    if (known !== undefined || prepared.size >= MAX_PREPARED) return known;
    const name = createHash('sha1').update(text).digest('base64url');
    prepared.set(text, name);
    return name;
  };
  return {
    rows: async <Row>({ text, values }: Statement) => {
      options.onStatement?.(text);
      const name = nameOf(text);
      const { rows } = await pool.query({ ...(name === undefined ? {} : { name }), text, values: [...values] });
      return rows as readonly Row[];
    },
    close: () => pool.end(),
  };
}

/** Postgres stopped the statement because it took too long. */
export function isTimeout(error: unknown): boolean {
  return typeof error === 'object' && error !== null && 'code' in error && error.code === '57014';
}
