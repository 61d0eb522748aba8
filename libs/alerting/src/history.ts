import type { Instant } from '@whydrop/model';
import type { History } from './baseline.js';
import { MINUTE } from './rule.js';

/** Counts of one series by the start of their minute; 0 where there is nothing. */
export type Counts = (minute: Instant) => number;
/** Whether anything was heard of the cluster in a minute. */
export type Covered = (minute: Instant) => boolean;

const DAY = 1440;
/** Minutes before and after the same time of another day that count as the same time. */
export const AROUND = 10;
/** Earlier days that are looked at. */
export const EARLIER_DAYS = [1, 2, 3, 4, 7, 14, 21, 28] as const;

/** For how long after it began to fire a series is not learnt from. */
const FREEZE = 60;

function minutesBefore(bucket: Instant, count: number): readonly Instant[] {
  return Array.from({ length: count }, (_, i) => bucket - (i + 1) * MINUTE);
}

/** Odd minutes are left out as long as their run is younger than an hour; what goes on for longer is learnt from. */
function frozen(odd: readonly Instant[]): (minute: Instant) => boolean {
  const out = new Set<Instant>();
  let run = 0;
  let before = -Infinity;
  for (const minute of odd) {
    run = minute - before <= 3 * MINUTE ? run + 1 : 1;
    before = minute;
    if (run <= FREEZE) out.add(minute);
  }
  return (minute) => out.has(minute);
}

function peakOf(from: Instant, to: Instant, counts: Counts, covered: Covered): number | null {
  let peak: number | null = null;
  for (let minute = from; minute < to; minute += MINUTE) {
    if (covered(minute)) peak = Math.max(peak ?? 0, counts(minute));
  }
  return peak;
}

/** The hour before the judged minute is not the past yet: the incident itself may have begun in it. */
function hourlyPeaks(bucket: Instant, counts: Counts, covered: Covered): readonly (number | null)[] {
  const peaks: (number | null)[] = [];
  for (let hour = 1; hour < 24; hour++) {
    const end = bucket - hour * 60 * MINUTE;
    peaks.push(peakOf(end - 60 * MINUTE, end, counts, covered));
  }
  return peaks;
}

function sameTime(bucket: Instant, counts: Counts, covered: Covered, day: number): readonly number[] {
  const middle = bucket - day * DAY * MINUTE;
  const minutes = Array.from({ length: 2 * AROUND + 1 }, (_, i) => middle + (i - AROUND) * MINUTE);
  return minutes.filter(covered).map(counts);
}

function hourOf(end: Instant, counts: Counts): number {
  return minutesBefore(end, 60).reduce((sum, minute) => sum + counts(minute), 0);
}

/** At least half of an hour has to be covered before its sum is one. */
function sameHour(bucket: Instant, counts: Counts, covered: Covered, day: number): number | null {
  const end = bucket + MINUTE - day * DAY * MINUTE;
  return minutesBefore(end, 60).filter(covered).length < 30 ? null : hourOf(end, counts);
}

/** The past of a series as seen from one minute: the last day, and the same time of the days before. */
export function historyOf(
  bucket: Instant,
  counts: Counts,
  covered: Covered,
  odd: readonly Instant[],
  siblings: number | null,
): History {
  const isFrozen = frozen(odd);
  const recent = minutesBefore(bucket, 180).map((m) => (covered(m) && !isFrozen(m) ? counts(m) : null));
  const days: (readonly number[])[] = [];
  for (const day of EARLIER_DAYS) {
    while (days.length < day - 1) days.push([]);
    days.push(sameTime(bucket, counts, covered, day));
  }
  return {
    recent,
    hourlyPeaks: hourlyPeaks(bucket, counts, covered),
    sameTime: days,
    sameHour: [1, 2, 3, 4].map((day) => sameHour(bucket, counts, covered, day)),
    lastHour: hourOf(bucket + MINUTE, counts),
    siblings,
  };
}
