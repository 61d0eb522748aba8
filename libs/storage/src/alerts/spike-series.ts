import {
  AROUND,
  EARLIER_DAYS,
  historyOf,
  judgeSpike,
  learn,
  median,
  MINUTE,
  type SpikeRule,
  type Judgement,
  type SeriesState,
} from '@whydrop/alerting';
import type { Instant } from '@whydrop/model';
import { loadCounts, type SeriesCounts } from './counts.js';
import { labelsOf } from './keyed-sql.js';
import { changedPolicies } from './policy-changes.js';
import { knownOr, type Reader, type SeriesByKey, type Target } from './target.js';

const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

type Span = readonly [Instant, Instant];
type Counts = ReadonlyMap<string, SeriesCounts>;

function sumOf({ at }: SeriesCounts, from: Instant, to: Instant): number {
  let sum = 0;
  for (const [minute, n] of at) if (minute >= from && minute < to) sum += n;
  return sum;
}

/** Series that could be odd in one of the minutes: for all others the past need not be loaded. */
function candidates(rule: SpikeRule, { minutes, states }: Target, counts: Counts): readonly string[] {
  const busy = [...counts].filter(([, series]) =>
    minutes.some(
      ({ bucket, closed }) =>
        (series.at.get(bucket) ?? 0) >= rule.minEvents ||
        (rule.slow &&
          closed &&
          (bucket / MINUTE) % 5 === 4 &&
          sumOf(series, bucket - HOUR, bucket + MINUTE) >= 3 * rule.minEvents),
    ),
  );
  return [...new Set([...states.keys(), ...busy.map(([key]) => key)])];
}

/** The last day, and the same hour of the days before. */
function pastOf([from, to]: Span): readonly Span[] {
  const earlier = EARLIER_DAYS.map((day): Span => [
    from - day * DAY - HOUR - AROUND * MINUTE,
    to - day * DAY + (AROUND + 1) * MINUTE,
  ]);
  return [[from - DAY - HOUR, to], ...earlier];
}

/** Mean per minute of what series beside one usually have: those of its namespace, else those of the cluster. */
function siblingsOf(all: Counts, target: Target & { rule: SpikeRule }, first: Instant): (key: string) => number | null {
  const means = [...all].map(([key, series]) => ({ key, mean: sumOf(series, first - 3 * HOUR, first) / 180 }));
  const active = means.filter(({ mean }) => mean > 0);
  const circle = (key: string) => {
    const labels = labelsOf(target.rule.groupBy, key);
    return (labels['destination'] ?? labels['policy']?.split('/')[1] ?? labels['source'] ?? '').split('/')[0];
  };
  return (key) => {
    const others = active.filter((one) => one.key !== key);
    const near = others.filter((one) => circle(one.key) === circle(key));
    const taken = near.length >= 3 ? near : others.length >= 3 ? others : [];
    return taken.length === 0 ? null : median(taken.map(({ mean }) => mean));
  };
}

const PLAIN: Judgement = { heat: 'cool', value: 0, expected: null, slow: false, baseline: null };

/** Too little for a spike, and nothing is remembered that it could end: the past need not be looked at. */
function isPlain(rule: SpikeRule, state: SeriesState, bucket: Instant, at: ReadonlyMap<Instant, number>): boolean {
  if (state.phase !== 'inactive' || (at.get(bucket) ?? 0) >= rule.minEvents) return false;
  if (!rule.slow) return true;
  let hour = 0;
  for (let minute = bucket; minute > bucket - HOUR; minute -= MINUTE) hour += at.get(minute) ?? 0;
  return hour < 3 * rule.minEvents;
}

/** Every series of a SPIKE rule that has something to say in these minutes. */
export async function spikeSeries(target: Target & { rule: SpikeRule }): Promise<SeriesByKey> {
  const { client, rule, clusterId, minutes, seen } = target;
  const [first, last] = [minutes[0]?.bucket ?? 0, minutes.at(-1)?.bucket ?? 0];
  const span: Span = [first, last + MINUTE];
  const lookBack = minutes.some(({ closed }) => closed) ? HOUR : 0;
  const counts = await loadCounts(client, rule, clusterId, [[first - lookBack, span[1]]]);
  const keys = candidates(rule, target, counts);
  if (keys.length === 0) return new Map();
  const past = await loadCounts(client, rule, clusterId, pastOf(span), keys);
  const young = keys.filter((key) => ![...(past.get(key)?.at.keys() ?? [])].some((minute) => minute < first - HOUR));
  const others = young.length > 0 ? await loadCounts(client, rule, clusterId, [[first - 3 * HOUR, first]]) : new Map();
  const siblings = siblingsOf(others, target, first);
  const held =
    rule.suppress.policyChange > 0 ? await changedPolicies(target, keys, rule.suppress.policyChange) : new Set();
  const series = keys.map((key) => {
    const at = past.get(key)?.at ?? new Map<Instant, number>();
    const beside = young.includes(key) ? siblings(key) : null;
    const read: Reader = ({ bucket, closed }, state) => {
      const count = (minute: Instant) => at.get(minute) ?? 0;
      const nodes = past.get(key)?.nodes.get(bucket) ?? [];
      if (isPlain(rule, state, bucket, at))
        return { bucket, closed, judgement: { ...PLAIN, value: count(bucket) }, nodes, level: 0 };
      const history = historyOf(bucket, count, seen.covered, state.odd, beside);
      const judgement = judgeSpike(
        rule,
        count(bucket),
        history.lastHour,
        learn(history, rule.floor, state.level?.value ?? 0),
      );
      const heat = held.has(key) && judgement.heat !== 'cool' ? 'warm' : judgement.heat;
      const reading = { bucket, closed, judgement: { ...judgement, heat }, nodes, level: history.lastHour / 60 };
      return knownOr(reading, target, state);
    };
    return [key, { labels: labelsOf(rule.groupBy, key), read }] as const;
  });
  return new Map(series);
}
