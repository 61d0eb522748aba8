import type { Instant } from '@whydrop/model';
import { LEVEL_MICROS, windowStart } from './level.js';

/** Minutes of a day. */
const DAY_MINUTES = 1440;

/** A stream is taken to have been alive this long before and after what it reported, in µs. */
const ALIVE = LEVEL_MICROS.minute;

/** No capture is this long: a span beyond it comes from a broken clock. In µs. */
const LONGEST_SPAN = 400 * LEVEL_MICROS.day;

/**
 * Minutes in which something was alive, by day: each day is a text of 1440 digits, 1 for a minute that a span touches.
 * Spans are in µs, both ends included.
 */
export function minutesSeen(spans: readonly (readonly [Instant, Instant])[]): ReadonlyMap<Instant, string> {
  const days = new Map<Instant, Uint8Array>();
  for (const [from, to] of spans) {
    if (to < from || to - from > LONGEST_SPAN) continue;
    const last = windowStart(to + ALIVE, LEVEL_MICROS.minute);
    for (let minute = windowStart(from - ALIVE, LEVEL_MICROS.minute); minute <= last; minute += LEVEL_MICROS.minute) {
      const day = windowStart(minute, LEVEL_MICROS.day);
      let bits = days.get(day);
      if (!bits) days.set(day, (bits = new Uint8Array(DAY_MINUTES)));
      bits[(minute - day) / LEVEL_MICROS.minute] = 1;
    }
  }
  return new Map([...days].map(([day, bits]) => [day, bits.join('')]));
}

/**
 * Share of the minutes of each bucket in `[from, to)` that were seen, 0 to 1. `step` is in µs; `days` as `minutesSeen`
 * gives them.
 */
export function coverageOf(
  days: ReadonlyMap<Instant, string>,
  from: Instant,
  to: Instant,
  step: number,
): readonly number[] {
  const minutes = step / LEVEL_MICROS.minute;
  const shares: number[] = [];
  for (let start = from; start < to; start += step) {
    let seen = 0;
    for (let minute = start; minute < start + step;) {
      const day = windowStart(minute, LEVEL_MICROS.day);
      const end = Math.min(day + LEVEL_MICROS.day, start + step);
      const bits = days.get(day)?.slice((minute - day) / LEVEL_MICROS.minute, (end - day) / LEVEL_MICROS.minute) ?? '';
      for (let i = 0; i < bits.length; i++) if (bits.charCodeAt(i) === 49) seen++;
      minute = end;
    }
    shares.push(seen / minutes);
  }
  return shares;
}
