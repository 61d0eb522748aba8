import { randomUUID } from 'node:crypto';
import pg from 'pg';
import { KEEP_ALIVE, SESSION_SETTINGS } from '../session.js';
import { readMigrations, type Migration } from './migration.js';

/** Prisma's own number: a runner of ours and `prisma migrate deploy` wait for each other. */
const LOCK = 72707369;

const TABLE = `CREATE TABLE IF NOT EXISTS _prisma_migrations (
  id VARCHAR(36) PRIMARY KEY NOT NULL,
  checksum VARCHAR(64) NOT NULL,
  finished_at TIMESTAMPTZ,
  migration_name VARCHAR(255) NOT NULL,
  logs TEXT,
  rolled_back_at TIMESTAMPTZ,
  started_at TIMESTAMPTZ NOT NULL DEFAULT now(),
  applied_steps_count INTEGER NOT NULL DEFAULT 0
)`;

interface Row {
  readonly migration_name: string;
  readonly checksum: string;
  readonly finished: boolean;
}

export interface MigrationResult {
  readonly applied: readonly string[];
  /** In the database but not among the files: a newer version was here. Worth a warning. */
  readonly unknown: readonly string[];
}

/** The database cannot be brought up to date by itself; the message says what to do. */
export class MigrationError extends Error {
  override readonly name = 'MigrationError';
}

/** Refuses a database whose history does not fit the files. */
function check(migrations: readonly Migration[], rows: readonly Row[]): void {
  for (const { migration_name: name, finished, checksum } of rows) {
    if (!finished) {
      throw new MigrationError(
        `migration ${name} failed on this database before: repair it and set rolled_back_at in _prisma_migrations`,
      );
    }
    const file = migrations.find((migration) => migration.name === name);
    if (file && file.checksum !== checksum) {
      throw new MigrationError(
        `migration ${name} was edited after it was applied: bring the file back, write a new migration`,
      );
    }
  }
}

/** One file is one simple query and so one implicit transaction: a failing file leaves nothing but its row with the error. */
async function apply(client: pg.Client, { name, sql, checksum }: Migration): Promise<void> {
  const id = randomUUID();
  await client.query('INSERT INTO _prisma_migrations (id, checksum, migration_name) VALUES ($1, $2, $3)', [
    id,
    checksum,
    name,
  ]);
  try {
    await client.query(sql);
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    await client.query('UPDATE _prisma_migrations SET logs = $2 WHERE id = $1', [id, message]);
    throw new MigrationError(`migration ${name} failed: ${message}`, { cause: error });
  }
  await client.query('UPDATE _prisma_migrations SET finished_at = now(), applied_steps_count = 1 WHERE id = $1', [id]);
}

async function migrateWith(client: pg.Client, migrations: readonly Migration[]): Promise<MigrationResult> {
  await client.query(TABLE);
  const { rows } = await client.query<Row>(
    `SELECT migration_name, checksum, finished_at IS NOT NULL AS finished FROM _prisma_migrations WHERE rolled_back_at IS NULL`,
  );
  check(migrations, rows);
  const known = new Set(migrations.map((migration) => migration.name));
  const before = new Set(rows.map((row) => row.migration_name));
  const todo = migrations.filter((migration) => !before.has(migration.name));
  for (const migration of todo) await apply(client, migration);
  return { applied: todo.map((migration) => migration.name), unknown: [...before].filter((name) => !known.has(name)) };
}

/**
 * Applies the migrations of a folder that a database lacks, in order, with the bookkeeping of `prisma migrate deploy`.
 * Two at once: the second waits and finds nothing to do. Refuses edited and failed migrations with a MigrationError.
 */
export async function migrate(url: string, directory: string): Promise<MigrationResult> {
  const migrations = readMigrations(directory);
  const client = new pg.Client({ connectionString: url, options: SESSION_SETTINGS, ...KEEP_ALIVE });
  client.on('error', () => undefined); // the query that is under way fails with it
  await client.connect();
  try {
    // A session's lock: it is released with the connection, however this ends.
    await client.query('SELECT pg_advisory_lock($1)', [LOCK]);
    return await migrateWith(client, migrations);
  } finally {
    await client.end();
  }
}
