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
    const of = Object.fromEntries(labels.map(({ dimension, value }) => [dimension.toLowerCase(), value]));
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

/** A bucket a line, and what it comes to. `-` where nobody was looking. */
export function printTrend(trend: TrendAnswer, apart: boolean, io: Io): void {
  const series = all(trend);
  if (series.length === 0) {
    io.stdout('nothing was blocked\n');
    return;
  }
  io.stdout(table(trend, apart));
  const gaps = series[0]?.points.filter(({ drops }) => drops === null).length ?? 0;
  if (gaps > 0) io.stdout(`-: nobody was looking\n`);
}
