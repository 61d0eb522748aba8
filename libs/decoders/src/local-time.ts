import { MICROS_PER_MILLI } from '@whydrop/model';
import type { Instant } from '@whydrop/model';

const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'];
const ASCTIME = /^(?:Sun|Mon|Tue|Wed|Thu|Fri|Sat) ([A-Z][a-z]{2}) +(\d{1,2}) (\d{2}):(\d{2}):(\d{2}) (\d{4})$/;
const OFFSET = /^([+-])(\d{2}):?(\d{2})$/;

/** A wall clock reading without its zone. `month` counts from 1. */
export interface WallClock {
  readonly year: number;
  readonly month: number;
  readonly day: number;
  readonly hour: number;
  readonly minute: number;
  readonly second: number;
  readonly micros: number;
}

const zones = new Map<string, Intl.DateTimeFormat | undefined>();

function zoneFormat(timezone: string): Intl.DateTimeFormat | undefined {
  if (zones.has(timezone)) return zones.get(timezone);
  let format: Intl.DateTimeFormat | undefined;
  try {
    format = new Intl.DateTimeFormat('en-US', {
      timeZone: timezone,
      hourCycle: 'h23',
      year: 'numeric',
      month: 'numeric',
      day: 'numeric',
      hour: 'numeric',
      minute: 'numeric',
      second: 'numeric',
    });
  } catch {
    format = undefined; // Not an IANA name.
  }
  if (zones.size > 100) zones.clear();
  zones.set(timezone, format);
  return format;
}

/** Milliseconds that a zone is ahead of UTC at a moment; undefined for a name that is no zone. */
function offsetMillis(timezone: string, utcMillis: number): number | undefined {
  if (timezone === 'UTC' || timezone === 'Z') return 0;
  const fixed = OFFSET.exec(timezone);
  if (fixed) return (fixed[1] === '-' ? -1 : 1) * (Number(fixed[2]) * 60 + Number(fixed[3])) * 60_000;
  const parts = zoneFormat(timezone)?.formatToParts(utcMillis);
  if (!parts) return undefined;
  const part = (type: string): number => Number(parts.find((p) => p.type === type)?.value);
  const wall = Date.UTC(part('year'), part('month') - 1, part('day'), part('hour'), part('minute'), part('second'));
  return wall - Math.floor(utcMillis / 1000) * 1000;
}

function isReal(clock: WallClock): boolean {
  const date = new Date(Date.UTC(clock.year, clock.month - 1, clock.day));
  return (
    clock.year >= 1970 &&
    date.getUTCMonth() === clock.month - 1 &&
    date.getUTCDate() === clock.day &&
    clock.hour < 24 &&
    clock.minute < 60 &&
    clock.second < 61
  );
}

/** Microseconds since 1970 as an instant; undefined when an instant cannot hold them (beyond the year 2255). */
export function instantOfMicros(micros: number): Instant | undefined {
  return Number.isSafeInteger(micros) ? micros : undefined;
}

/** Places a wall clock reading in time; undefined when no calendar has it or the zone is unknown. UTC when absent. */
export function instantOfWallClock(clock: WallClock, timezone: string | undefined): Instant | undefined {
  if (!isReal(clock)) return undefined;
  const asUtc = Date.UTC(clock.year, clock.month - 1, clock.day, clock.hour, clock.minute, clock.second);
  const guess = offsetMillis(timezone ?? 'UTC', asUtc);
  const offset = guess === undefined ? undefined : offsetMillis(timezone ?? 'UTC', asUtc - guess);
  if (offset === undefined) return undefined;
  return instantOfMicros((asUtc - offset) * MICROS_PER_MILLI + clock.micros);
}

/** Month number from its English short name, from 1; undefined when it is none. */
export function monthOf(name: string): number | undefined {
  const index = MONTHS.indexOf(name);
  return index < 0 ? undefined : index + 1;
}

/** Reads asctime (`Fri Nov 20 22:40:23 2026`), whole seconds in the given zone; undefined when it is none. */
export function instantFromAsctime(text: string, timezone: string | undefined): Instant | undefined {
  const match = ASCTIME.exec(text);
  const month = monthOf(match?.[1] ?? '');
  if (!match || month === undefined) return undefined;
  const [day, hour, minute, second, year] = match.slice(2).map(Number) as [number, number, number, number, number];
  return instantOfWallClock({ year, month, day, hour, minute, second, micros: 0 }, timezone);
}

/** Decimal digits after the point to microseconds: `78` is 780000. Digits beyond the sixth are cut. */
export function microsOfFraction(digits: string | undefined): number {
  return Number((digits ?? '').slice(0, 6).padEnd(6, '0'));
}

/** The reading that a pattern found: groups 1 to 6 are year to second in digits, group 7 the digits after the point, if any. */
export function wallClockOf(found: RegExpExecArray): WallClock {
  const [year = NaN, month = NaN, day = NaN, hour = NaN, minute = NaN, second = NaN] = found.slice(1, 7).map(Number);
  return { year, month, day, hour, minute, second, micros: microsOfFraction(found[7]) };
}

/**
 * Year of a reading that lacks one (syslog): the one that puts it nearest to a time known to be close by.
 * Logs of December read in January belong to the year before.
 */
export function yearNear(clock: Omit<WallClock, 'year'>, near: Instant): number {
  const around = new Date(near / MICROS_PER_MILLI).getUTCFullYear();
  const distance = (year: number): number => {
    const at = Date.UTC(year, clock.month - 1, clock.day, clock.hour, clock.minute, clock.second);
    return Math.abs(at * MICROS_PER_MILLI - near);
  };
  return [around, around - 1, around + 1].reduce((best, year) => (distance(year) < distance(best) ? year : best));
}
