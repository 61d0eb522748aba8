import type { Instant } from '@whydrop/model';
import { LEVEL_MICROS, LEVELS, type Level, wholeWindows } from './level.js';

/** More points than this are not drawn by anybody. */
export const MOST_POINTS = 11_000;

/** Points when nobody says how many. */
export const USUAL_POINTS = 100;

const { minute, hour, day } = LEVEL_MICROS;

/** Lengths of buckets that people read easily, in µs. */
const EASY = [
  ...[1, 2, 5, 10, 15, 30].map((n) => n * minute),
  ...[1, 2, 3, 6, 12].map((n) => n * hour),
  ...[1, 2, 7, 14, 28].map((n) => n * day),
];

/** What is wanted: instants and lengths in µs. */
export interface TrendWanted {
  readonly from: Instant;
  readonly to: Instant;
  /** Length of a bucket; rounded up where it is not stored. */
  readonly step?: number | undefined;
  /** At most so many buckets, when `step` is not given. */
  readonly maxPoints?: number | undefined;
}

/** Which windows are read, and what they are added up to. */
export interface TrendPlan {
  readonly level: Level;
  /** A multiple of the level's windows. */
  readonly step: number;
  /** `[from, to)`, whole buckets counted from 1970-01-01. */
  readonly from: Instant;
  readonly to: Instant;
}

const levelOf = (step: number): Level => (step < hour ? 'minute' : step < day ? 'hour' : 'day');

function rounded(step: number): number {
  const length = LEVEL_MICROS[levelOf(step)];
  return Math.ceil(step / length) * length;
}

/** The shortest easy length with which the range has at most so many buckets; days beyond a month. */
function easyStep(range: number, points: number): number {
  const least = range / points;
  return EASY.find((step) => step >= least) ?? rounded(Math.max(least, day));
}

/**
 * Chooses the length of buckets and the windows to add them up from. A length is rounded up to windows that are stored and
 * still kept at `from` (`keptFrom`: levels from which something was removed), and to what gives at most MOST_POINTS.
 */
export function planTrend(wanted: TrendWanted, keptFrom: ReadonlyMap<Level, Instant>): TrendPlan {
  const { from, to, maxPoints = USUAL_POINTS } = wanted;
  const range = Math.max(to - from, 1);
  const least = range / (MOST_POINTS - 1);
  let step = wanted.step ?? easyStep(range, Math.min(maxPoints, MOST_POINTS - 1));
  step = rounded(Math.max(step, least, minute));
  for (const level of LEVELS) {
    const kept = keptFrom.get(level);
    const next = LEVELS[LEVELS.indexOf(level) + 1];
    if (levelOf(step) === level && next && kept !== undefined && from < kept) step = rounded(LEVEL_MICROS[next]);
  }
  const [start, end] = wholeWindows(from, Math.max(to, from + 1), step);
  return { level: levelOf(step), step, from: start, to: end };
}
