import { count, shortTime } from '../parts/words';

/** One bucket: how many were blocked in it; null where nobody was looking. */
export interface TrendPoint {
  readonly from: string;
  readonly drops: number | null;
}

/** Of a chart, in words: for those who do not see it, and above it for those who do. */
export function summary(points: readonly TrendPoint[], what: string): string {
  const known = points.filter(({ drops }) => drops !== null);
  if (known.length === 0) return 'Nobody was looking in this time.';
  const sum = known.reduce((total, { drops }) => total + (drops ?? 0), 0);
  const most = known.reduce((a, b) => ((b.drops ?? 0) > (a.drops ?? 0) ? b : a));
  const peak = sum === 0 ? '' : `, most at ${shortTime(most.from).slice(0, -3)}: ${most.drops}`;
  const gaps = points.length - known.length;
  const unseen = gaps === 0 ? '' : `; nobody was looking in ${gaps} of ${count(points.length, 'interval')}`;
  return `${count(sum, `${what} connection`)}${peak}${unseen}.`;
}
