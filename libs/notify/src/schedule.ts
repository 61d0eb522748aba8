/**
 * Seconds to wait after the first, second, … failed try: the schedule of Standard Webhooks 1.0 (75 h 35 min), with early steps put
 * in between, because an alert is worth most in its first minutes.
 */
export const SCHEDULE: readonly number[] = [
  2, 5, 15, 60, 300, 900, 1_800, 7_200, 18_000, 36_000, 50_400, 72_000, 86_400,
];

const JITTER = 0.2;

/** Seconds until the next try after so many failed ones; undefined: given up. `random` in [0, 1). */
export function retryDelay(attempts: number, random: number, schedule = SCHEDULE): number | undefined {
  const seconds = schedule[attempts - 1];
  return seconds === undefined ? undefined : seconds * (1 - JITTER + 2 * JITTER * random);
}

/** Failures in a row after which a receiver gets one message at a time, and pauses between them. */
export const SLOW_AFTER = 5;
const LONGEST_PAUSE = 300;

/** Seconds for which a receiver that failed so many times in a row is left alone; null: not at all. */
export function pauseAfter(failures: number, random: number): number | null {
  if (failures < SLOW_AFTER) return null;
  return Math.min(LONGEST_PAUSE, 2 ** (failures - SLOW_AFTER)) * (1 - JITTER + 2 * JITTER * random);
}
