import type { Baseline } from './baseline.js';
import type { SilenceRule, SpikeRule, ThresholdRule } from './rule.js';
import { logTail } from './tail.js';

/**
 * What one bucket of one series says of the rule's condition. `hot`: it holds. `odd`: this minute alone would be a reason,
 * k of n make it hold. `warm`: no reason to start, none to end. `cool`: gone. `unknown`: not covered, which is not zero.
 */
export type Heat = 'hot' | 'odd' | 'warm' | 'cool' | 'unknown';

export interface Judgement {
  readonly heat: Heat;
  readonly value: number;
  readonly expected: number | null;
  /** It was the hour that was too high, not the minute. */
  readonly slow: boolean;
  readonly baseline: Baseline | null;
}

/** Above the height that a series reaches anyway by this much. */
const ABOVE_USUAL = 1.3;

function minuteHeat(rule: SpikeRule, value: number, baseline: Baseline): Heat {
  const { expected, dispersion, usualPeak, state } = baseline;
  const ratio = value / expected;
  if (ratio < rule.minRatio / 2 || value < rule.minEvents / 2) return 'cool';
  if (ratio < rule.minRatio || value <= ABOVE_USUAL * usualPeak) return 'warm';
  const least = state === 'READY' ? rule.minEvents : Math.max(rule.minEvents, rule.coldEvents);
  const tail = logTail(value, expected, dispersion);
  if (value < least || tail >= Math.log(rule.p)) return 'warm';
  return value >= 2 * least && tail < rule.odd * Math.log(rule.p) ? 'hot' : 'odd';
}

/** Minutes in an hour follow each other, so that an hour scatters more than sixty independent minutes would. */
const HOUR_DISPERSION = 4;

function hourHeat(rule: SpikeRule, sum: number, { expectedHour, dispersion }: Baseline): Heat {
  if (expectedHour === null) return 'cool';
  const ratio = sum / expectedHour;
  if (ratio < rule.minRatio / 2 || sum < rule.minEvents) return 'cool';
  const unlikely = logTail(sum, expectedHour, HOUR_DISPERSION * dispersion) < 2 * Math.log(rule.p);
  return ratio >= rule.minRatio && sum >= 3 * rule.minEvents && unlikely ? 'hot' : 'warm';
}

/** A minute's count (and the hour it ends) against what the series has been like. */
export function judgeSpike(rule: SpikeRule, value: number, lastHour: number, baseline: Baseline): Judgement {
  const minute = minuteHeat(rule, value, baseline);
  const hour = rule.slow ? hourHeat(rule, lastHour, baseline) : 'cool';
  const slow = hour === 'hot' && minute !== 'hot';
  if (slow) return { heat: 'hot', value: lastHour, expected: baseline.expectedHour, slow, baseline };
  const heat = minute === 'cool' && hour === 'warm' ? 'warm' : minute;
  return { heat, value, expected: baseline.expected, slow: false, baseline };
}

/** A sum over the rule's window against its threshold; the condition is gone below half of it. */
export function judgeThreshold(rule: ThresholdRule, sum: number): Judgement {
  const heat = sum > rule.threshold ? 'hot' : sum > rule.threshold / 2 ? 'warm' : 'cool';
  return { heat, value: sum, expected: rule.threshold, slow: false, baseline: null };
}

/** Nothing in the whole window where the baseline (events per minute) lets something be expected. */
export function judgeSilence(rule: SilenceRule, sum: number, baseline: Baseline): Judgement {
  const minutes = rule.window / 60_000_000;
  const expected = baseline.expected * minutes;
  // P(0) of a negative binomial distribution; of a Poisson distribution where nothing clumps.
  const { dispersion: d } = baseline;
  const logZero = d <= 1.05 ? -expected : (-expected * Math.log(d)) / (d - 1);
  const unlikely = baseline.state === 'READY' && logZero < Math.log(rule.p);
  const heat = sum > 0 ? 'cool' : unlikely ? 'hot' : 'warm';
  return { heat, value: sum, expected, slow: false, baseline };
}
