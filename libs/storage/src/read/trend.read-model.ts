import { formatInstant, type Instant } from '@whydrop/model';
import { LEVEL_MICROS, type Level, type Sums } from '@whydrop/rollup';
import { type Dimension, seriesSource, type TrendCondition } from '../rollup/dimensions.js';
import { type RawSeriesRow, seriesRow, type SeriesRow } from '../rollup/series.js';
import { Params } from './condition.js';
import { instantParam, microsOf } from './page.js';
import type { Reader, Statement } from './reader.js';

export { seriesStatement, type SeriesRequest, type SeriesRow } from '../rollup/series.js';

/** Runs a statement that gives sums per series and bucket. */
export async function readSeries(reader: Reader, statement: Statement): Promise<readonly SeriesRow[]> {
  return (await reader.rows<RawSeriesRow>(statement)).map(seriesRow);
}

/** What blocked most in a time: sums of one value of a dimension. */
export interface TopRow extends Sums {
  readonly key: readonly string[];
}

/** Values of the dimensions with most packets in `[from, to)`, counted ones included, most first. */
export function topBlockedStatement(
  { level, from, to }: { readonly level: Level; readonly from: Instant; readonly to: Instant },
  groupBy: readonly Dimension[],
  condition: TrendCondition,
  first: number,
): Statement {
  const params = new Params();
  const { table, groups } = seriesSource(level, groupBy, condition, undefined, params);
  const text = `
WITH groups AS MATERIALIZED (
  ${groups})
SELECT k.key, t.drops, t.attempts, t.packets, t.counted
FROM (SELECT g.n, sum(r.drops)::float8 AS drops, sum(r.attempts)::float8 AS attempts, sum(r.packets)::float8 AS packets,
             sum(r.counted)::float8 AS counted
        FROM ${table} r
        JOIN groups g ON g.id = r.group_id
       WHERE r.bucket >= ${instantParam(params, from)} AND r.bucket < ${instantParam(params, to)}
       GROUP BY g.n
       ORDER BY sum(r.packets + r.counted) DESC, g.n
       LIMIT ${params.add(first, 'int')}) t
JOIN (SELECT DISTINCT n, key FROM groups) k ON k.n = t.n
ORDER BY t.packets + t.counted DESC, t.n`;
  return { text, values: params.values };
}

/** Runs a statement that gives the top of something. */
export async function readTopBlocked(reader: Reader, statement: Statement): Promise<readonly TopRow[]> {
  return reader.rows<TopRow>(statement);
}

/** Minutes of one day in which a node (or any of the cluster: node '') was seen alive. */
export interface SeenRow {
  readonly cluster: string;
  readonly node: string;
  readonly day: Instant;
  /** 1440 digits. */
  readonly minutes: string;
}

/** Days around `[from, to)` of these nodes; '' is any node. Of one cluster, or of all. */
export function seenStatement(
  from: Instant,
  to: Instant,
  nodes: readonly string[],
  cluster: string | undefined,
): Statement {
  const params = new Params();
  const date = (instant: Instant) => params.add(formatInstant(instant).slice(0, 10), 'date');
  const where = [
    `s.day BETWEEN ${date(from)} AND ${date(to + LEVEL_MICROS.day)}`,
    `s.node = ANY (${params.add(nodes, 'text[]')})`,
  ];
  if (cluster !== undefined) where.push(`c.name = ${params.add(cluster, 'text')}`);
  return {
    text: `SELECT c.name AS cluster, s.node, ${microsOf('s.day')} AS day, s.minutes::text AS minutes
FROM seen_day s
JOIN cluster c ON c.id = s.cluster_id
WHERE ${where.join('\n  AND ')}`,
    values: params.values,
  };
}

export async function readSeen(reader: Reader, statement: Statement): Promise<readonly SeenRow[]> {
  const rows = await reader.rows<Omit<SeenRow, 'day'> & { readonly day: bigint }>(statement);
  return rows.map((row) => ({ ...row, day: Number(row.day) }));
}

/** From when on each level is kept; levels from which nothing was removed have no row. */
export function keptLevelsStatement(): Statement {
  return { text: `SELECT level, ${microsOf('kept_from')} AS "keptFrom" FROM rollup_kept`, values: [] };
}

export async function readKeptLevels(reader: Reader): Promise<ReadonlyMap<Level, Instant>> {
  const rows = await reader.rows<{ readonly level: Level; readonly keptFrom: bigint }>(keptLevelsStatement());
  return new Map(rows.map(({ level, keptFrom }) => [level, Number(keptFrom)]));
}
