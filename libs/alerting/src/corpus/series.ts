import { type Random, randomOf } from './random.js';

/** Something in a series that somebody has to be told of, in minutes: it begins, it ends. */
export interface Incident {
  readonly from: number;
  readonly to: number;
}

/** Blocked connections of one series, minute by minute, and what in it is an incident. */
export interface LabelledSeries {
  readonly kind: SeriesKind;
  readonly counts: readonly number[];
  readonly incidents: readonly Incident[];
  /** Minutes at the beginning that are only there to be learnt from. */
  readonly learn: number;
}

/** `rollout`: a policy is rolled out wrongly, on a series that was quiet. Without incidents: what benign traffic looks like. */
export const SERIES_KINDS = [
  'steady',
  'dailySeason',
  'weeklySeason',
  'bursts',
  'nightlyJob',
  'podRollout',
  'spike',
  'seasonSpike',
  'burstSpike',
  'rollout',
  'scan',
  'slowLeak',
] as const;
export type SeriesKind = (typeof SERIES_KINDS)[number];

const DAY = 1440;
const BASES = [0.05, 0.5, 3, 30];

const daily = (minute: number) => 1 + 0.5 * Math.sin((2 * Math.PI * (minute % DAY)) / DAY);
/** Office hours on weekdays, a third of it at the weekend: what public traces of enterprise traffic look like. */
const weekly = (minute: number) => {
  const hour = (minute % DAY) / 60;
  const office = 0.3 + 1.4 * Math.exp(-((hour - 13.5) ** 2) / 12);
  return Math.floor(minute / DAY) % 7 < 5 ? office : office / 3;
};

interface Shape {
  /** Days of the whole series; the last one is judged, or the last few. */
  readonly days: number;
  readonly learn: number;
  readonly mean: (minute: number, base: number) => number;
  readonly dispersion?: number;
  /** What is added to some minutes, and whether it is an incident. */
  readonly event?: (random: Random, base: number, days: number) => Event;
}

interface Event {
  readonly incident: Incident | undefined;
  readonly extra: (minute: number) => number;
}

const flat = (_minute: number, base: number) => base;

/** Begins somewhere in the last day but not at its edges. */
const begins = (random: Random, days: number) => (days - 1) * DAY + 120 + Math.floor(random.next() * 900);

function lasting(from: number, minutes: number, extra: (age: number) => number): Event {
  const inside = (minute: number) => minute >= from && minute < from + minutes;
  return { incident: { from, to: from + minutes }, extra: (minute) => (inside(minute) ? extra(minute - from) : 0) };
}

function spike(random: Random, base: number, days: number): Event {
  return lasting(begins(random, days), 5, () => Math.max(20, 5 * base));
}

function nightly(minute: number): number {
  const at = minute % DAY;
  return at >= 150 && at < 156 ? 60 : 0;
}

/** Every pod that is replaced tries a few connections too early; a rollout takes some minutes and is no incident. */
function podRollout(random: Random, base: number, days: number): Event {
  const event = lasting(begins(random, days), 4, () => 4 + base);
  return { ...event, incident: undefined };
}

const SHAPES: Readonly<Record<SeriesKind, Shape>> = {
  steady: { days: 2, learn: DAY, mean: flat },
  dailySeason: { days: 3, learn: 2 * DAY, mean: (minute, base) => base * daily(minute) },
  weeklySeason: { days: 15, learn: 14 * DAY, mean: (minute, base) => base * weekly(minute) },
  bursts: { days: 3, learn: 2 * DAY, mean: flat, dispersion: 12 },
  nightlyJob: { days: 6, learn: 5 * DAY, mean: (minute, base) => Math.min(base, 3) + nightly(minute) },
  podRollout: { days: 2, learn: DAY, mean: flat, event: podRollout },
  spike: { days: 2, learn: DAY, mean: flat, event: spike },
  seasonSpike: { days: 3, learn: 2 * DAY, mean: (minute, base) => base * daily(minute), event: spike },
  burstSpike: {
    days: 3,
    learn: 2 * DAY,
    mean: flat,
    dispersion: 4,
    event: (random, base, days) => lasting(begins(random, days), 5, () => Math.max(60, 8 * base)),
  },
  rollout: {
    days: 2,
    learn: DAY,
    mean: (_minute, base) => Math.min(base, 0.05),
    // clients retry with growing pauses: the first minute has most
    event: (random, _base, days) => lasting(begins(random, days), 45, (age) => 25 + 60 * Math.exp(-age / 3)),
  },
  scan: {
    days: 2,
    learn: DAY,
    mean: flat,
    event: (random, base, days) => lasting(begins(random, days), 1, () => Math.max(200, 5 * base)),
  },
  slowLeak: {
    days: 5,
    learn: 4 * DAY,
    mean: flat,
    // doubles every hour
    event: (random, base, days) => {
      const from = (days - 1) * DAY + 120 + Math.floor(random.next() * 300);
      return lasting(from, 360, (age) => Math.max(0.5, 0.3 * base) * 2 ** (age / 60));
    },
  },
};

const NONE: Event = { incident: undefined, extra: () => 0 };

/** One series of a kind; the same for the same seed. */
export function seriesOf(kind: SeriesKind, seed: number): LabelledSeries {
  const { days, learn, mean, dispersion = 1, event } = SHAPES[kind];
  const random = randomOf(seed * 7919 + SERIES_KINDS.indexOf(kind));
  const base = BASES[seed % BASES.length] ?? 1;
  const { incident, extra } = event?.(random, base, days) ?? NONE;
  const counts = Array.from(
    { length: days * DAY },
    (_, minute) => random.clumped(mean(minute, base), dispersion) + random.poisson(extra(minute)),
  );
  return { kind, counts, incidents: incident ? [incident] : [], learn };
}
