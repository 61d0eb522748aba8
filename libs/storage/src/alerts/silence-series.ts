import { historyOf, judgeSilence, type Judgement, learn, MINUTE, type SilenceRule } from '@whydrop/alerting';
import type { Instant } from '@whydrop/model';
import { loadCounts, type SeriesCounts } from './counts.js';
import { labelsOf } from './keyed-sql.js';
import { knownOr, type Reader, type SeriesByKey, type Target } from './target.js';

const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
const GONE: Judgement = { heat: 'cool', value: 0, expected: null, slow: false, baseline: null };

function busyBefore({ at }: SeriesCounts, p: number): boolean {
  let sum = 0;
  for (const n of at.values()) sum += n;
  return sum >= -Math.log(p);
}

/** Series of a SILENCE rule: those that counted enough for their absence to mean something. */
export async function silenceSeries(target: Target & { rule: SilenceRule }): Promise<SeriesByKey> {
  const { client, rule, clusterId, minutes, seen, states } = target;
  const closed = minutes.filter((minute) => minute.closed);
  const [first, last] = [closed[0]?.bucket, closed.at(-1)?.bucket];
  if (first === undefined || last === undefined) return new Map();
  const counts = await loadCounts(client, rule, clusterId, [[first - 3 * HOUR - rule.window, last + MINUTE]]);
  const busy = [...counts].filter(([, series]) => busyBefore(series, rule.p)).map(([key]) => key);
  const quiet = busy.filter((key) =>
    closed.some(({ bucket }) => {
      for (let m = bucket; m > bucket - rule.window; m -= MINUTE) if (counts.get(key)?.at.has(m)) return false;
      return true;
    }),
  );
  const keys = [...new Set([...states.keys(), ...quiet])];
  if (keys.length === 0) return new Map();
  const past = await loadCounts(client, rule, clusterId, [[first - 2 * DAY, last + MINUTE]], keys);
  const series = keys.map((key) => {
    const count = (minute: Instant) => past.get(key)?.at.get(minute) ?? 0;
    const read: Reader = (minute, state) => {
      const { bucket } = minute;
      // The baseline is what was there before the silence began, also while it lasts.
      const end = state.since ?? bucket;
      const begin = end - rule.window + MINUTE;
      let sum = 0;
      for (let m = bucket; m > bucket - rule.window; m -= MINUTE) sum += count(m);
      const baseline = learn(historyOf(begin, count, seen.covered, [], null), 0, 0);
      const judgement = bucket - end > DAY ? GONE : judgeSilence(rule, sum, baseline);
      return knownOrGap({ ...minute, judgement, nodes: [], level: 0 }, target, state);
    };
    return [key, { labels: labelsOf(rule.groupBy, key), read }] as const;
  });
  return new Map(series);

  /** Silence is only silence where every minute of the window was listened to. */
  function knownOrGap(reading: Parameters<typeof knownOr>[0], ...rest: [Target, Parameters<typeof knownOr>[2]]) {
    for (let m = reading.bucket; m > reading.bucket - rule.window; m -= MINUTE)
      if (!seen.covered(m) && reading.judgement.heat === 'hot')
        return { ...reading, judgement: { ...reading.judgement, heat: 'unknown' as const } };
    return knownOr(reading, ...rest);
  }
}
