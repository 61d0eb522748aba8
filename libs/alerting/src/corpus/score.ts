import type { Detector } from './detectors.js';
import type { LabelledSeries } from './series.js';

/** How a detector did on some series. */
export interface Score {
  readonly incidents: number;
  readonly found: number;
  /** Times it began to fire where nothing was. */
  readonly falseAlarms: number;
  /** Times it began to fire within an incident; more than one each is flapping. */
  readonly trueAlarms: number;
  /** Days that were judged, over all series. */
  readonly days: number;
  /** Minutes from the begin of each found incident to the alert: 0 is the same minute. */
  readonly delays: readonly number[];
}

const EMPTY: Score = { incidents: 0, found: 0, falseAlarms: 0, trueAlarms: 0, days: 0, delays: [] };

/** An alert this long after an incident still speaks of it. */
const GRACE = 10;

/** How a detector does on one series: what it found, how soon, and how often it cried wolf. */
export function scoreOf({ counts, incidents, learn }: LabelledSeries, detector: Detector): Score {
  const firing = detector(counts, learn);
  const begins = firing.flatMap((fires, i) => (fires && !firing[i - 1] ? [i + learn] : []));
  const about = (minute: number) => incidents.find(({ from, to }) => minute >= from && minute < to + GRACE);
  const found = incidents.filter((incident) => begins.some((minute) => about(minute) === incident));
  const delays = found.map((incident) => (begins.find((m) => about(m) === incident) ?? 0) - incident.from);
  const trueAlarms = begins.filter((minute) => about(minute) !== undefined).length;
  return {
    incidents: incidents.length,
    found: found.length,
    falseAlarms: begins.length - trueAlarms,
    trueAlarms,
    days: firing.length / 1440,
    delays,
  };
}

/** Scores of several series as one. */
export function total(scores: readonly Score[]): Score {
  return scores.reduce(
    (a, b) => ({
      incidents: a.incidents + b.incidents,
      found: a.found + b.found,
      falseAlarms: a.falseAlarms + b.falseAlarms,
      trueAlarms: a.trueAlarms + b.trueAlarms,
      days: a.days + b.days,
      delays: [...a.delays, ...b.delays],
    }),
    EMPTY,
  );
}
