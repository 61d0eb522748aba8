import type { Instant } from '@whydrop/model';
import type { Database } from '../database.js';

const DAY_MICROS = 86_400_000_000;
const OLDEST = Date.UTC(2015, 0, 1) * 1000;
const LOCK = 72_707_370; // one above the number Prisma's migrations lock

/** Day partitions known to exist, per database: they are only ever dropped by retention, at the far end. */
const known = new WeakMap<Database, Set<string>>();

function dayName(table: string, day: number): string {
  return `${table}_${new Date((day * DAY_MICROS) / 1000).toISOString().slice(0, 10).replaceAll('-', '')}`;
}

function dayStart(day: number): string {
  return new Date((day * DAY_MICROS) / 1000).toISOString();
}

/**
 * Makes sure that the days of these instants have a partition. Times before 2015 or more than two days ahead of `now`
 * (a broken clock) get none: they fall into the default partition.
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
    if (instant >= OLDEST && instant < now + 2 * DAY_MICROS) days.add(Math.floor(instant / DAY_MICROS));
  }
  const wanted = [...days].filter((day) => !seen.has(dayName(table, day)));
  if (wanted.length === 0) return;
  await database.transaction(async (client) => {
    await client.query('SELECT pg_advisory_xact_lock($1)', [LOCK]);
    for (const day of wanted) {
      const range = `FROM ('${dayStart(day)}') TO ('${dayStart(day + 1)}')`;
      await client.query(
        `CREATE TABLE IF NOT EXISTS "${dayName(table, day)}" PARTITION OF "${table}" FOR VALUES ${range}`,
      );
    }
  });
  for (const day of wanted) seen.add(dayName(table, day));
}
