import { learn } from '../baseline.js';
import { historyOf } from '../history.js';
import { judgeSpike } from '../judge.js';
import { MINUTE, type SpikeRule } from '../rule.js';
import { parseRule } from '../rule-schema.js';
import { INITIAL, isForgettable, type SeriesState, step } from '../series-state.js';

/** Minutes in which a detector's alert fires, from the first judged minute on. */
export type Detector = (counts: readonly number[], learnt: number) => readonly boolean[];

/** A spike rule as people write it, with the usual values for what is left out. */
export function spikeRule(written: object = {}): SpikeRule {
  const parsed = parseRule({ name: 'Spike', kind: 'SPIKE', ...written });
  if (parsed.kind === 'problems' || parsed.rule.kind !== 'SPIKE') throw new Error('the rule of the corpus is wrong');
  return parsed.rule;
}

/** Ours: the same functions that the worker runs, minute by minute. */
export function ours(rule: SpikeRule = spikeRule()): Detector {
  return (counts, learnt) => {
    const at = (minute: number) => counts[minute / MINUTE] ?? 0;
    const covered = (minute: number) => minute >= 0;
    let state: SeriesState = INITIAL;
    return counts.slice(learnt).map((value, i) => {
      const bucket = (learnt + i) * MINUTE;
      let hour = 0;
      for (let m = learnt + i; m > learnt + i - 60; m--) hour += counts[m] ?? 0;
      const looked = value >= rule.minEvents || hour >= 3 * rule.minEvents;
      if (!looked && isForgettable(state, bucket)) return false;
      const history = historyOf(bucket, at, covered, state.odd, null);
      const baseline = learn(history, rule.floor, state.level?.value ?? 0);
      const judgement = judgeSpike(rule, value, history.lastHour, baseline);
      state = step(rule, state, { bucket, closed: true, judgement, nodes: [], level: hour / 60 }, 'a').state;
      return state.phase === 'firing';
    });
  };
}

/** Holds a firing alert for five minutes after its condition, as `keep_firing_for: 5m` and ours do. */
function held(conditions: readonly boolean[]): readonly boolean[] {
  let last = -Infinity;
  return conditions.map((holds, i) => {
    if (holds) last = i;
    return i - last < 5;
  });
}

const sum = (counts: readonly number[], end: number, minutes: number) =>
  counts.slice(Math.max(0, end + 1 - minutes), end + 1).reduce((total, n) => total + n, 0);

/** `increase(x[1m]) > threshold` */
export function fixedThreshold(threshold: number): Detector {
  return (counts, learnt) => held(counts.slice(learnt).map((value) => value > threshold));
}

/**
 * The article on weave-npc asks for an alarm when its counter rises fast, which is written as
 * `rate(x[5m]) > factor * rate(x[5m] offset 1h) and rate(x[5m]) * 60 > least`.
 */
export function rateRising(factor: number, least: number): Detector {
  return (counts, learnt) =>
    held(
      counts.slice(learnt).map((_, i) => {
        const now = sum(counts, learnt + i, 5) / 5;
        const before = sum(counts, learnt + i - 60, 5) / 5;
        return now > factor * before && now > least;
      }),
    );
}
