/** What a series counted before the judged minute. Minutes without coverage, and those that were odd, are null. */
export interface History {
  /** Minute by minute, the latest first. */
  readonly recent: readonly (number | null)[];
  /** Highest minute of each of the hours before, the latest first, odd ones too; null without coverage. */
  readonly hourlyPeaks: readonly (number | null)[];
  /** Minutes around the same time of earlier days, yesterday first; an empty list: no coverage. */
  readonly sameTime: readonly (readonly number[])[];
  /** Sums of the same hour of earlier days, yesterday first; null without coverage. */
  readonly sameHour: readonly (number | null)[];
  /** What the judged hour had so far, the judged minute included. */
  readonly lastHour: number;
  /** Mean count per minute of the series beside this one, of the next wider circle that has a past: workloads of the namespace,
   *  then of the cluster. null: there is none, or the series has a past of its own. */
  readonly siblings: number | null;
}

/** What a minute would be expected to count, and how sure that is. */
export interface Baseline {
  /** Events per minute, not below the floor. */
  readonly expected: number;
  /** Variance divided by mean, at least 1. */
  readonly dispersion: number;
  /** A height that the series reaches in the normal course of things: several times a day, or at this time of day. */
  readonly usualPeak: number;
  /** The same hour of earlier days; null with fewer than two. */
  readonly expectedHour: number | null;
  readonly state: 'WARMING' | 'READY';
  /** Minutes it was learnt from. */
  readonly samples: number;
}

/** Minutes of a past that a baseline needs before it is trusted. */
export const WARM_SAMPLES = 30;
const BLOCK = 15;
/** The latest minutes may belong to what is judged: how much counts scatter is learnt from those before. */
const JUST_NOW = 15;
const MOST_DISPERSED = 200;

/** The middle value, of an even number the mean of the two in the middle; 0 of none. */
export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  if (sorted.length % 2 === 1) return sorted[middle] ?? 0;
  return ((sorted[middle - 1] ?? 0) + (sorted[middle] ?? 0)) / 2;
}

const mean = (values: readonly number[]) => values.reduce((sum, v) => sum + v, 0) / Math.max(1, values.length);

/** Median of the means of quarter hours: bursts in a few of them do not move it, and unlike a median it is not 0 for sparse counts. */
export function robustMean(counts: readonly number[]): number {
  const blocks: number[] = [];
  for (let at = 0; at < counts.length; at += BLOCK) blocks.push(mean(counts.slice(at, at + BLOCK)));
  return median(blocks);
}

function dispersionOf(counts: readonly number[]): number {
  const average = mean(counts);
  if (counts.length < WARM_SAMPLES || average === 0) return 1;
  const variance = counts.reduce((sum, v) => sum + (v - average) ** 2, 0) / (counts.length - 1);
  return Math.min(MOST_DISPERSED, Math.max(1, variance / average));
}

const known = (values: readonly (number | null)[]) => values.filter((value) => value !== null);

/** Third highest of the hours of a day: what happened in three of them is no news. */
function usualByDay(peaks: readonly (number | null)[]): number {
  return known(peaks).toSorted((a, b) => b - a)[2] ?? 0;
}

/** What earlier days had at this time: the last four, and the same weekday once there are two of them. Median of their peaks. */
function seasonal(days: readonly (readonly number[])[], of: (minutes: readonly number[]) => number): number {
  const covered = (list: readonly (readonly number[] | undefined)[]) =>
    list.filter((minutes): minutes is readonly number[] => minutes !== undefined && minutes.length > 0);
  const daily = covered(days.slice(0, 4)).map(of);
  const weekly = covered([days[6], days[13], days[20], days[27]]).map(of);
  return Math.max(daily.length >= 3 ? median(daily) : 0, weekly.length >= 2 ? Math.min(...weekly) : 0);
}

function hourBefore(sums: readonly (number | null)[]): number | null {
  const days = known(sums.slice(0, 4));
  return days.length < 2 ? null : median(days);
}

const peakOf = (minutes: readonly number[]) => Math.max(...minutes);

/** Learns from a past. `floor` and `level` (a new level that was accepted) are events per minute. */
export function learn(history: History, floor: number, level: number): Baseline {
  const minutes = known(history.recent);
  const own = Math.max(robustMean(minutes.slice(0, 180)), seasonal(history.sameTime, mean));
  const expectedHour = hourBefore(history.sameHour);
  return {
    expected: Math.max(floor, level, own, history.siblings ?? 0),
    dispersion: dispersionOf(known(history.recent.slice(JUST_NOW, 180))),
    usualPeak: Math.max(usualByDay(history.hourlyPeaks), seasonal(history.sameTime, peakOf)),
    expectedHour: expectedHour === null ? null : Math.max(expectedHour, 60 * Math.max(floor / 4, level)),
    state: minutes.length < WARM_SAMPLES ? 'WARMING' : 'READY',
    samples: minutes.length,
  };
}
