import { judgeThreshold, MINUTE, type ThresholdRule } from '@whydrop/alerting';
import { loadCounts } from './counts.js';
import { labelsOf } from './keyed-sql.js';
import { knownOr, type Reader, type SeriesByKey, type Target } from './target.js';

/** Series of a THRESHOLD rule: those that have anything in the window, and those that are remembered. */
export async function thresholdSeries(target: Target & { rule: ThresholdRule }): Promise<SeriesByKey> {
  const { client, rule, clusterId, minutes, states } = target;
  const [first, last] = [minutes[0]?.bucket ?? 0, minutes.at(-1)?.bucket ?? 0];
  const counts = await loadCounts(client, rule, clusterId, [[first - rule.window, last + MINUTE]]);
  const series = [...new Set([...states.keys(), ...counts.keys()])].map((key) => {
    const read: Reader = ({ bucket, closed }, state) => {
      let sum = 0;
      for (let minute = bucket; minute > bucket - rule.window; minute -= MINUTE)
        sum += counts.get(key)?.at.get(minute) ?? 0;
      const nodes = counts.get(key)?.nodes.get(bucket) ?? [];
      return knownOr({ bucket, closed, judgement: judgeThreshold(rule, sum), nodes, level: 0 }, target, state);
    };
    return [key, { labels: labelsOf(rule.groupBy, key), read }] as const;
  });
  return new Map(series);
}
