/**
 * A UTC instant in whole microseconds since 1970-01-01. Fits a double exactly until the year 2255.
 * The clock an instant was read from is named by the field that carries it: `observedAt` (the node), `receivedAt` (us).
 */
export type Instant = number;

export const MICROS_PER_SECOND = 1_000_000;
export const MICROS_PER_MILLI = 1_000;

/**
 * Reads `1795214415`, `1795214415.576068` (seconds since 1970, decimals allowed) into an instant.
 * Digits beyond the microsecond are cut. Returns undefined when the text is no such number.
 */
export function instantFromSeconds(text: string): Instant | undefined {
  const match = /^(\d{1,10})(?:\.(\d{1,9}))?$/.exec(text);
  if (!match) return undefined;
  const micros = (match[2] ?? '').padEnd(6, '0').slice(0, 6);
  const instant = Number(match[1]) * MICROS_PER_SECOND + Number(micros);
  return Number.isSafeInteger(instant) ? instant : undefined;
}

const RFC3339 = /^(\d{4})-(\d{2})-(\d{2})[Tt ](\d{2}):(\d{2}):(\d{2})(?:[.,](\d{1,9}))?(Z|z|[+-]\d{2}:?\d{2})$/;

/**
 * Reads an RFC 3339 time (`2026-11-20T22:40:15.629546Z`, offsets allowed) into an instant; undefined when it is none,
 * or beyond the year 2255.
 */
export function instantFromRfc3339(text: string): Instant | undefined {
  const match = RFC3339.exec(text);
  if (!match) return undefined;
  const [, year, month, day, hour, minute, second, fraction = '', zone = 'Z'] = match;
  const offset = zone.length === 1 ? 'Z' : `${zone.slice(0, 3)}:${zone.slice(-2)}`;
  const millis = Date.parse(`${year}-${month}-${day}T${hour}:${minute}:${second}${offset}`);
  const micros = millis * MICROS_PER_MILLI + Number(fraction.padEnd(6, '0').slice(0, 6));
  return Number.isSafeInteger(micros) ? micros : undefined;
}

const SECONDS_A_DAY = 86_400;
const two = (value: number): string => (value < 10 ? `0${value}` : String(value));

// Times that are written together are mostly of one day.
let known = { day: 0, text: '1970-01-01T' };

function textOfDay(day: number): string {
  if (known.day !== day) known = { day, text: new Date(day * SECONDS_A_DAY * 1000).toISOString().slice(0, 11) };
  return known.text;
}

/** Writes an instant as RFC 3339 with `Z`, with as many decimals as it needs: none, three or six. */
export function formatInstant(instant: Instant): string {
  const micros = ((instant % MICROS_PER_SECOND) + MICROS_PER_SECOND) % MICROS_PER_SECOND;
  const seconds = (instant - micros) / MICROS_PER_SECOND;
  const day = Math.floor(seconds / SECONDS_A_DAY);
  const second = seconds - day * SECONDS_A_DAY;
  const time = `${two(Math.floor(second / 3600))}:${two(Math.floor(second / 60) % 60)}:${two(second % 60)}`;
  if (micros === 0) return `${textOfDay(day)}${time}Z`;
  const digits = String(micros).padStart(6, '0');
  return `${textOfDay(day)}${time}.${digits.endsWith('000') ? digits.slice(0, 3) : digits}Z`;
}

/** A half-open interval `[from, to)` of instants; `to` undefined means "until now". */
export interface Interval {
  readonly from: Instant;
  readonly to: Instant | undefined;
}
