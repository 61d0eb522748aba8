import type { Instant } from '@whydrop/model';
import { windowStart } from '@whydrop/rollup';
import type pg from 'pg';
import type { Database } from '../database.js';
import { DAY_MICROS, type Period, PERIODS, periodOf } from './period.js';

const OLDEST = Date.UTC(2015, 0, 1) * 1000;
const LOCK = 72_707_370; // one above the number Prisma's migrations lock
const CHECK_VIOLATION = '23514';

/** Partitions known to exist, per database. Retention, which drops them at the far end, forgets them here. */
const known = new WeakMap<Database, Set<string>>();

/** After partitions were dropped: what this process knows to exist is looked up anew. */
export function forgetPartitions(database: Database): void {
  known.delete(database);
}

async function create(client: pg.PoolClient, table: string, { name, from, to }: Period): Promise<void> {
  await client.query(
    `CREATE TABLE IF NOT EXISTS "${name}" PARTITION OF "${table}" FOR VALUES FROM ('${from}') TO ('${to}')`,
  );
}

/** Rows of a time that lay ahead when they came, or whose partition another process had dropped: they move in. */
async function createAndMove(client: pg.PoolClient, table: string, period: Period): Promise<void> {
  const { name, from, to } = period;
  const { rows } = await client.query<{ key: string }>(
    `SELECT a.attname AS key FROM pg_partitioned_table p JOIN pg_attribute a ON a.attrelid = p.partrelid AND a.attnum = p.partattrs[0]
      WHERE p.partrelid = $1::regclass`,
    [`"${table}"`],
  );
  const key = `"${rows[0]?.key ?? ''}"`;
  await client.query(`CREATE TABLE "${name}" (LIKE "${table}" INCLUDING DEFAULTS INCLUDING STORAGE)`);
  await client.query(
    `WITH moved AS (DELETE FROM "${table}_default" WHERE ${key} >= '${from}' AND ${key} < '${to}' RETURNING *)
     INSERT INTO "${name}" SELECT * FROM moved`,
  );
  await client.query(`ALTER TABLE "${table}" ATTACH PARTITION "${name}" FOR VALUES FROM ('${from}') TO ('${to}')`);
}

async function ensure(client: pg.PoolClient, table: string, period: Period, now: Instant): Promise<void> {
  const { rows } = await client.query<{ there: boolean }>('SELECT to_regclass($1) IS NOT NULL AS there', [
    `"${period.name}"`,
  ]);
  if (rows[0]?.there) return;
  await client.query('SAVEPOINT partition');
  try {
    await create(client, table, period);
  } catch (error) {
    if ((error as { code?: unknown }).code !== CHECK_VIOLATION) throw error;
    await client.query('ROLLBACK TO SAVEPOINT partition');
    await createAndMove(client, table, period);
  }
  // Retention counts from here when the times in it are older: an old capture is kept as long as a new one.
  await client.query(`COMMENT ON TABLE "${period.name}" IS '${new Date(now / 1000).toISOString()}'`);
}

/**
 * Makes sure that the days (months, years) of these instants have a partition. Times before 2015 or more than two days
 * ahead of `now` (a broken clock) get none: they fall into the default partition.
 */
export async function ensurePartitions(
  database: Database,
  table: string,
  instants: Iterable<Instant>,
  now: Instant,
): Promise<void> {
  const seen = known.get(database) ?? new Set<string>();
  known.set(database, seen);
  const days = new Set<number>();
  for (const instant of instants) {
    if (instant >= OLDEST && instant < now + 2 * DAY_MICROS) days.add(windowStart(instant, DAY_MICROS));
  }
  const periods = [...days].map((day) => periodOf(table, day));
  const wanted = new Map(periods.filter(({ name }) => !seen.has(name)).map((period) => [period.name, period]));
  if (wanted.size === 0) return;
  await database.transaction(async (client) => {
    await client.query('SELECT pg_advisory_xact_lock($1)', [LOCK]);
    for (const period of wanted.values()) await ensure(client, table, period, now);
  });
  for (const name of wanted.keys()) seen.add(name);
}

const ROLLUPS = Object.keys(PERIODS);

/** The same for the roll-ups of what may be told about these instants. */
export async function ensureRollups(database: Database, instants: Iterable<Instant>, now: Instant): Promise<void> {
  const days = new Set<Instant>();
  // A window that ends with a day belongs to that day.
  for (const instant of instants) {
    days.add(windowStart(instant, DAY_MICROS));
    days.add(windowStart(instant - 1, DAY_MICROS));
  }
  for (const table of ROLLUPS) await ensurePartitions(database, table, days, now);
}
