import { type Instant, MICROS_PER_SECOND } from '@whydrop/model';

/** The windows that sums are kept for. */
export const LEVELS = ['minute', 'hour', 'day'] as const;

export type Level = (typeof LEVELS)[number];

/** Length of a level's windows in microseconds. */
export const LEVEL_MICROS: Readonly<Record<Level, number>> = {
  minute: 60 * MICROS_PER_SECOND,
  hour: 3_600 * MICROS_PER_SECOND,
  day: 86_400 * MICROS_PER_SECOND,
};

/** Start of the window of `length` microseconds that holds the instant; windows are counted from 1970-01-01, UTC. */
export function windowStart(instant: Instant, length: number): Instant {
  return Math.floor(instant / length) * length;
}

/** `[from, to)` widened to whole windows: its first window's start and its last window's end. */
export function wholeWindows(from: Instant, to: Instant, length: number): readonly [Instant, Instant] {
  return [windowStart(from, length), -windowStart(-to, length)];
}
