import type { Instant } from '@whydrop/model';
import { LEVEL_MICROS, type Level, type Sums } from '@whydrop/rollup';
import type pg from 'pg';
import { Params } from '../read/condition.js';
import { instantParam, microsOf } from '../read/page.js';
import type { Statement } from '../read/reader.js';
import { type Dimension, seriesSource, type TrendCondition } from './dimensions.js';

/** Which sums are asked for. */
export interface SeriesRequest {
  readonly level: Level;
  /** Length of a bucket in µs: a multiple of the level's. */
  readonly step: number;
  /** `[from, to)`, whole buckets. */
  readonly from: Instant;
  readonly to: Instant;
  readonly groupBy: readonly Dimension[];
  readonly condition: TrendCondition;
  readonly clusterId?: number | undefined;
  /** Only so many series with the most packets; the rest is added up into one without a key. */
  readonly top?: number | undefined;
  /** Only these series; the rest is added up likewise. */
  readonly keys?: readonly (readonly string[])[] | undefined;
}

/** Sums of one bucket of one series; `key` null: everything that has no series of its own. */
export interface SeriesRow extends Sums {
  readonly key: readonly string[] | null;
  readonly bucket: Instant;
}

const SUMS = ['drops', 'attempts', 'packets', 'counted'] as const;
const sums = (of: string) => SUMS.map((name) => `sum(${of}.${name})::float8 AS ${name}`).join(', ');

function chosenSql({ top, keys }: SeriesRequest, params: Params): string {
  if (keys) {
    const texts = params.add(JSON.stringify(keys), 'jsonb');
    return `SELECT DISTINCT n, key FROM groups WHERE to_jsonb(key) IN (SELECT jsonb_array_elements(${texts}))`;
  }
  const limit = top === undefined ? '' : ` LIMIT ${params.add(top, 'int')}`;
  return `SELECT c.n, k.key FROM (SELECT n FROM cells GROUP BY n ORDER BY sum(packets + counted) DESC, n${limit}) c
    JOIN (SELECT DISTINCT n, key FROM groups) k ON k.n = c.n`;
}

/** Sums per series and bucket, in the order of buckets. Buckets in which nothing was dropped have no row. */
export function seriesStatement(request: SeriesRequest): Statement {
  const { level, step, from, to, groupBy, condition, clusterId } = request;
  const params = new Params();
  const seconds = step / 1_000_000;
  const bucket =
    step === LEVEL_MICROS[level] ? 'r.bucket' : `date_bin('${seconds} seconds', r.bucket, '1970-01-01T00:00:00Z')`;
  const { table, groups } = seriesSource(level, groupBy, condition, clusterId, params);
  const range = `r.bucket >= ${instantParam(params, from)} AND r.bucket < ${instantParam(params, to)}`;
  const text = `
WITH groups AS MATERIALIZED (
  ${groups}),
cells AS MATERIALIZED (
  SELECT g.n, ${bucket} AS at, ${sums('r')}
    FROM ${table} r
    JOIN groups g ON g.id = r.group_id
   WHERE ${range}
   GROUP BY 1, 2),
chosen AS MATERIALIZED (
  ${chosenSql(request, params)})
SELECT k.key, ${microsOf('t.at')} AS bucket, t.drops, t.attempts, t.packets, t.counted
FROM (SELECT s.n, c.at, ${sums('c')}
        FROM cells c
        LEFT JOIN chosen s ON s.n = c.n
       GROUP BY s.n, c.at) t
LEFT JOIN chosen k ON k.n = t.n
ORDER BY t.at, t.n`;
  return { text, values: params.values };
}

/** A row as Postgres gives it. */
export type RawSeriesRow = Omit<SeriesRow, 'bucket'> & { readonly bucket: bigint };

/** One series: what it is of, and its buckets in order. Buckets without a drop are not among the points. */
export interface Series {
  readonly key: Readonly<Partial<Record<Dimension, string>>>;
  readonly points: readonly (Sums & { readonly bucket: Instant })[];
}

/** Puts rows together, series by series. */
function gatherSeries(rows: readonly SeriesRow[], groupBy: readonly Dimension[]): readonly Series[] {
  const series = new Map<string, { key: Series['key']; points: (Sums & { bucket: Instant })[] }>();
  for (const { key, ...point } of rows) {
    const name = JSON.stringify(key);
    let one = series.get(name);
    if (!one) {
      const named = Object.fromEntries(groupBy.map((dimension, i) => [dimension, key?.[i] ?? '']));
      series.set(name, (one = { key: named, points: [] }));
    }
    one.points.push(point);
  }
  return [...series.values()];
}

export const seriesRow = (raw: RawSeriesRow): SeriesRow => ({ ...raw, bucket: Number(raw.bucket) });

/** What alert rules ask: the sums of one cluster, level by level. */
export interface LoadSeries {
  readonly clusterId: number;
  readonly step: Level;
  /** `[from, to)`; a window counts when it begins in it. */
  readonly from: Instant;
  readonly to: Instant;
  readonly groupBy: readonly Dimension[];
  readonly filter?: TrendCondition | undefined;
}

/**
 * Sums per window of a cluster, one series per combination of the dimensions' values that dropped anything in the range.
 * Windows without a drop are not among the points: whether they were covered says `loadSeen`.
 */
export async function loadSeries(client: pg.Pool | pg.PoolClient, request: LoadSeries): Promise<readonly Series[]> {
  const { clusterId, step: level, from, to, groupBy, filter } = request;
  const statement = seriesStatement({
    level,
    step: LEVEL_MICROS[level],
    from,
    to,
    groupBy,
    condition: filter ?? {},
    clusterId,
  });
  const { rows } = await client.query<RawSeriesRow>(statement.text, [...statement.values]);
  return gatherSeries(rows.map(seriesRow), groupBy);
}
