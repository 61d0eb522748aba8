import type { Io } from '../io.js';
import type { PointAnswer, SeriesAnswer, TrendAnswer } from './query.js';

const MEASURES = ['drops', 'attempts', 'packets', 'counted'] as const;

const shown = (value: number | null): string => (value === null ? '-' : String(value));

/** `2026-11-20 14:02Z`: buckets are whole minutes. */
const bucketOf = (time: string): string => `${new Date(time).toISOString().slice(0, 16).replace('T', ' ')}Z`;

const all = ({ series, other }: TrendAnswer): readonly SeriesAnswer[] => (other ? [...series, other] : series);

/** One object a line: a bucket of a series. Its sums are null where nobody was looking. */
export function trendJson(trend: TrendAnswer): readonly object[] {
  return all(trend).flatMap(({ key, labels, points }) => {
    const of = Object.fromEntries(
      labels.map(({ dimension, value }) => [dimension.toLowerCase().replaceAll('_', '-'), value]),
    );
    return points.map((point) => ({ ...point, step: trend.step, series: key, labels: of }));
  });
}

function lines(titles: readonly string[], rows: readonly (readonly string[])[]): string {
  const width = (column: number) => Math.max(...[titles, ...rows].map((row) => row[column]?.length ?? 0));
  const widths = titles.map((_, column) => width(column));
  const line = (row: readonly string[]) =>
    row.map((text, i) => (i === 0 ? text.padEnd(widths[i] ?? 0) : text.padStart(widths[i] ?? 0))).join('  ');
  return [titles, ...rows].map((row) => `${line(row).trimEnd()}\n`).join('');
}

/** The rows of the table: one series has a column per sum, several have a column each. */
function table(trend: TrendAnswer, apart: boolean): string {
  const series = all(trend);
  const times = (series[0]?.points ?? []).map(({ from }) => bucketOf(from));
  if (apart) {
    const titles = ['from', ...series.map(({ key }) => key)];
    return lines(
      titles,
      times.map((time, i) => [time, ...series.map(({ points }) => shown(points[i]?.drops ?? null))]),
    );
  }
  const sums = (point: PointAnswer | undefined) => MEASURES.map((name) => shown(point?.[name] ?? null));
  return lines(
    ['from', 'blocked', 'attempts', 'packets', 'counted only'],
    times.map((time, i) => [time, ...sums(series[0]?.points[i])]),
  );
}

/** Without a series: nothing was blocked, as far as anybody looked. */
function nothing({ coverage }: TrendAnswer): string {
  const gaps = coverage.filter((share) => share === 0).length;
  if (gaps === coverage.length) return 'nobody was looking\n';
  return gaps === 0
    ? 'nothing was blocked\n'
    : `nothing was blocked; nobody was looking in ${gaps} of ${coverage.length} buckets\n`;
}

/** A bucket a line; `-` where nobody was looking. */
export function printTrend(trend: TrendAnswer, apart: boolean, io: Io): void {
  const series = all(trend);
  if (series.length === 0) {
    io.stdout(nothing(trend));
    return;
  }
  io.stdout(table(trend, apart));
  if (series.some(({ points }) => points.some(({ drops }) => drops === null))) io.stdout('-: nobody was looking\n');
}
