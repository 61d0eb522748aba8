import { formatInstant, type Instant } from '@whydrop/model';
import { LEVEL_MICROS, type Level, LEVELS } from '@whydrop/rollup';
import type { Database } from '../database.js';
import { LEVEL_TABLE, SLICE_TABLE } from '../rollup/apply.js';
import { forgetPartitions } from '../write/partitions.js';
import { removeOldBatches, removeRows } from './batches.js';
import { raiseFloors } from './floor.js';
import { dropPartition, loadPartitions, partitionedTables, type StoredPartition } from './partitions.js';
import type { RetentionPolicy } from './policy.js';

const LOCK = 72_707_390;
const BATCH_GONE = 'NOT EXISTS (SELECT FROM raw_batch b WHERE b.id = t.batch_id)';

/** What one run took away. */
export interface RetentionResult {
  readonly partitions: readonly string[];
  /** Partitions that were in use: they are the next run's. */
  readonly busy: readonly string[];
  /** Rows of tables without partitions. */
  readonly rows: number;
}

const levelOf = (table: string): Level | undefined =>
  LEVELS.find((level) => LEVEL_TABLE[level] === table || SLICE_TABLE[level] === table);

/** A partition goes when its time is over and it has been there as long: an old capture is kept as long as a new one. */
function isOver({ to, since }: StoredPartition, before: Instant): boolean {
  return to <= before && (since === undefined || since <= before);
}

/** Partitions of raw data by the day they hold; a day goes as a whole. */
function rawDays(partitions: readonly StoredPartition[], before: Instant): readonly (readonly StoredPartition[])[] {
  const days = new Map<Instant, StoredPartition[]>();
  for (const partition of partitions) days.set(partition.to, [...(days.get(partition.to) ?? []), partition]);
  return [...days.values()].filter((day) => day.every((partition) => isOver(partition, before)));
}

async function keepLevelFrom(database: Database, level: Level, from: Instant): Promise<void> {
  await database.pool.query(
    `INSERT INTO rollup_kept AS k (level, kept_from) VALUES ($1, $2)
         ON CONFLICT (level) DO UPDATE SET kept_from = greatest(k.kept_from, excluded.kept_from)`,
    [level, formatInstant(from)],
  );
}

class Run {
  private readonly dropped: string[] = [];
  private readonly busy: string[] = [];
  private rows = 0;

  constructor(
    private readonly database: Database,
    private readonly policy: RetentionPolicy,
    private readonly now: Instant,
  ) {}

  private before(days: number): Instant {
    return this.now - days * LEVEL_MICROS.day;
  }

  private async drop(partition: StoredPartition): Promise<void> {
    const gone = await dropPartition(this.database, partition);
    (gone ? this.dropped : this.busy).push(partition.name);
  }

  private async raw(partitions: readonly StoredPartition[]): Promise<void> {
    for (const day of rawDays(partitions, this.before(this.policy.raw))) {
      await raiseFloors(this.database, day, day[0]?.to ?? 0);
      for (const partition of day) await this.drop(partition);
    }
  }

  private async level(level: Level, partitions: readonly StoredPartition[]): Promise<void> {
    const over = partitions.filter((partition) => isOver(partition, this.before(this.policy[level])));
    if (over.length === 0) return;
    await keepLevelFrom(this.database, level, Math.max(...over.map(({ to }) => to)));
    for (const partition of over) await this.drop(partition);
  }

  /**
   * Rows that no partition was made for, because their clock was broken. What such a clock stamped is kept as long as its
   * batch, which goes by our clock; what was told of it as long as anything of that time is left.
   */
  private async defaults(): Promise<void> {
    const all = await partitionedTables(this.database.pool);
    const records = [...all].filter(([, { ofBatch }]) => ofBatch);
    const isLeft = (key: string) =>
      records.map(
        ([table, record]) => `EXISTS (SELECT FROM "${table}_default" r
            WHERE r."${record.key}" BETWEEN t."${key}" - interval '1 day' AND t."${key}" + interval '1 day')`,
      );
    for (const [table, { key }] of records)
      await this.remove(`${table}_default`, `t."${key}" < $1 AND ${BATCH_GONE}`, this.policy.raw);
    for (const [table, { key, ofBatch }] of all) {
      if (ofBatch) continue;
      const level = levelOf(table);
      const days = level ? this.policy[level] : this.policy.raw;
      await this.remove(`${table}_default`, `t."${key}" < $1 AND NOT (${isLeft(key).join(' OR ')})`, days);
    }
  }

  private async remove(table: string, condition: string, days: number): Promise<void> {
    this.rows += await removeRows(this.database, table, condition, formatInstant(this.before(days)));
  }

  /** Tables without partitions. A snapshot holds until the next one: the last of each kind stays. */
  private async tables(): Promise<void> {
    const { raw, groups, day, batches } = this.policy;
    const left = (await loadPartitions(this.database.pool)).filter(({ table }) => levelOf(table) === undefined);
    const days = [...new Set(left.map(({ from }) => from))];
    this.rows += await removeOldBatches(this.database, formatInstant(this.before(batches)), days);
    const next = (table: string, same: string) =>
      `EXISTS (SELECT FROM ${table} n WHERE n.emitter_id = t.emitter_id AND n.observed_at > t.observed_at${same})`;
    await this.remove('notice', `t.observed_at < $1 AND ${BATCH_GONE}`, raw);
    for (const table of ['ipset_snapshot', 'interface_snapshot']) {
      await this.remove(table, `t.observed_at < $1 AND ${BATCH_GONE} AND ${next(table, '')}`, raw);
    }
    await this.remove(
      'host_snapshot',
      `t.observed_at < $1 AND ${BATCH_GONE} AND ${next('host_snapshot', ' AND n.kind = t.kind')}`,
      raw,
    );
    await this.remove('seen_day', 't.day < $1::timestamptz::date', day);
    await this.remove(
      'former_drop_id',
      't.first_seen_at < $1 AND NOT EXISTS (SELECT FROM "drop" d WHERE d.id = t.drop_id)',
      raw,
    );
    // A group outlives its drops and its windows.
    const silent = 't.last_seen_at < $1 AND NOT EXISTS (SELECT FROM drop_day r WHERE r.group_id = t.id)';
    await this.remove('drop_group', `${silent} AND NOT EXISTS (SELECT FROM "drop" d WHERE d.group_id = t.id)`, groups);
    await this.remove('counted_group', silent, groups);
  }

  async all(): Promise<RetentionResult> {
    const partitions = await loadPartitions(this.database.pool);
    await this.raw(partitions.filter(({ table }) => levelOf(table) === undefined));
    for (const level of LEVELS) {
      await this.level(
        level,
        partitions.filter(({ table }) => levelOf(table) === level),
      );
    }
    await this.tables();
    await this.defaults();
    if (this.dropped.length > 0) forgetPartitions(this.database);
    return { partitions: this.dropped, busy: this.busy, rows: this.rows };
  }
}

/**
 * Takes away what is older than the policy keeps. Partitions are dropped whole; undefined when another process is at it.
 * Safe to run at any time and to stop anywhere.
 */
export async function applyRetention(
  database: Database,
  policy: RetentionPolicy,
  now: Instant,
): Promise<RetentionResult | undefined> {
  const client = await database.pool.connect();
  try {
    const { rows } = await client.query<{ mine: boolean }>('SELECT pg_try_advisory_lock($1) AS mine', [LOCK]);
    if (!rows[0]?.mine) return undefined;
    try {
      return await new Run(database, policy, now).all();
    } finally {
      await client.query('SELECT pg_advisory_unlock($1)', [LOCK]);
    }
  } finally {
    client.release();
  }
}
