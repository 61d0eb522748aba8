const FIRST_MS = 250;
/** Short: what waits here is what somebody looks for when things are broken. */
const LONGEST_MS = 2_000;
/** A server that asks for more is asked again sooner. */
const LONGEST_ASKED_MS = 300_000;

/**
 * Pause before the next try, in milliseconds: doubling, with jitter, so that a thousand collectors do not come back in
 * the same second. What the server asked for is a lower bound.
 */
export function pauseMs(failures: number, asked: number | undefined, random: number): number {
  const exponential = Math.min(LONGEST_MS, FIRST_MS * 2 ** Math.min(failures - 1, 20));
  const jittered = exponential * (0.5 + random / 2);
  return asked === undefined ? jittered : Math.min(LONGEST_ASKED_MS, asked) + FIRST_MS * random;
}
