import { coverageOf, isNothing, NOTHING, plus, type Sums, type TrendPlan } from '@whydrop/rollup';
import type { Dimension, SeenRow, SeriesRow } from '@whydrop/storage';
import type { TrendPoint, TrendSeries } from './trend.type.js';

/** Share of every bucket's minutes that were seen: of a cluster and a node, '' standing for any. */
export type Coverage = (cluster: string, node: string) => readonly number[];

/** Coverage from the days that were read. A node that never reported itself has the coverage of its cluster. */
export function coverageBy(rows: readonly SeenRow[], { from, to, step }: TrendPlan): Coverage {
  const days = new Map<string, Map<number, string>>();
  for (const { cluster, node, day, minutes } of rows) {
    const key = JSON.stringify([cluster, node]);
    days.set(key, (days.get(key) ?? new Map<number, string>()).set(day, minutes));
  }
  const shares = new Map([...days].map(([key, ofKey]) => [key, coverageOf(ofKey, from, to, step)]));
  const any = Array.from({ length: (to - from) / step }, (_, i) =>
    Math.max(0, ...[...shares].filter(([key]) => key.endsWith(',""]')).map(([, of]) => of[i] ?? 0)),
  );
  return (cluster, node) => {
    const own = node === '' ? undefined : [...shares].find(([key]) => matches(key, cluster, node))?.[1];
    return own ?? shares.get(JSON.stringify([cluster, ''])) ?? (cluster === '' ? any : any.map(() => 0));
  };
}

function matches(key: string, cluster: string, node: string): boolean {
  const [ofCluster, ofNode] = JSON.parse(key) as [string, string];
  return ofNode === node && (cluster === '' || cluster === ofCluster);
}

function pointsOf(
  rows: readonly SeriesRow[],
  { from, to, step }: TrendPlan,
  coverage: readonly number[],
): TrendPoint[] {
  const sums = new Map(rows.map((row) => [row.bucket, row]));
  return Array.from({ length: (to - from) / step }, (_, i) => {
    const at = from + i * step;
    const row = sums.get(at);
    const covered = row !== undefined || (coverage[i] ?? 0) > 0;
    if (!covered) return { from: at, drops: null, attempts: null, packets: null, counted: null, covered };
    const { drops, attempts, packets, counted } = row ?? NOTHING;
    return { from: at, drops, attempts, packets, counted, covered };
  });
}

export const totalOf = (rows: readonly Sums[]): Sums => rows.reduce(plus, NOTHING);

/** What a series is called. */
export function nameOf(key: readonly string[] | null): string {
  if (key === null) return 'other';
  return key.length === 0 ? 'all' : key.map((value) => (value === '' ? '-' : value)).join(', ');
}

export const labelsOf = (groupBy: readonly Dimension[], key: readonly string[] | null) =>
  key === null ? [] : groupBy.map((dimension, i) => ({ dimension, value: key[i] ?? '' }));

function seriesOf(
  key: readonly string[] | null,
  rows: readonly SeriesRow[],
  plan: TrendPlan,
  groupBy: readonly Dimension[],
  coverage: Coverage,
): TrendSeries {
  const value = (dimension: Dimension) => key?.[groupBy.indexOf(dimension)] ?? '';
  return {
    key: nameOf(key),
    labels: labelsOf(groupBy, key),
    total: totalOf(rows),
    points: pointsOf(rows, plan, coverage(value('cluster'), value('node'))),
  };
}

/** The series of a trend: what was chosen, most packets first (or in the order of `keys`), and the rest. */
export interface SeriesOfTrend {
  readonly keys: readonly (readonly string[])[];
  readonly series: TrendSeries[];
  readonly other: TrendSeries | null;
  readonly total: Sums;
}

/** Puts rows together. Without a dimension there is one series, also when nothing was blocked. */
export function trendOf(
  rows: readonly SeriesRow[],
  plan: TrendPlan,
  groupBy: readonly Dimension[],
  coverage: Coverage,
  keys?: readonly (readonly string[])[],
): SeriesOfTrend {
  const byKey = new Map<string, SeriesRow[]>();
  for (const row of rows) {
    const name = JSON.stringify(row.key);
    const known = byKey.get(name);
    if (known) known.push(row);
    else byKey.set(name, [row]);
  }
  const weight = (key: readonly string[]) => {
    const { packets, counted } = totalOf(byKey.get(JSON.stringify(key)) ?? []);
    return packets + counted;
  };
  const found = [...byKey.values()].flatMap(([first]) => (first?.key ? [first.key] : []));
  const chosen = keys ?? (groupBy.length === 0 ? [[]] : found.toSorted((a, b) => weight(b) - weight(a)));
  const one = (key: readonly string[] | null) =>
    seriesOf(key, byKey.get(JSON.stringify(key)) ?? [], plan, groupBy, coverage);
  const other = one(null);
  return { keys: chosen, series: chosen.map(one), other: isNothing(other.total) ? null : other, total: totalOf(rows) };
}
