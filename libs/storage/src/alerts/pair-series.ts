import { type Judgement, MINUTE, type NewPairRule } from '@whydrop/alerting';
import { formatInstant, type Instant } from '@whydrop/model';
import { Params } from '../read/condition.js';
import { groupsSql, keySql, labelsOf } from './keyed-sql.js';
import { knownOr, type Reader, type SeriesByKey, type Target } from './target.js';

const SAME_PAIR = [
  'source_kind',
  'source_namespace',
  'source_name',
  'destination_kind',
  'destination_namespace',
  'destination_name',
]
  .map((column) => `o.${column} IS NOT DISTINCT FROM g.${column}`)
  .join(' AND ');

/** Pairs of ends by the minute in which they were blocked for the first time ever. */
async function newPairs({ client, rule, clusterId, minutes }: Target) {
  const params = new Params();
  const cluster = params.add(clusterId, 'int');
  const [from, to] = [minutes[0]?.bucket ?? 0, (minutes.at(-1)?.bucket ?? 0) + MINUTE];
  const [low, high] = [params.add(formatInstant(from), 'timestamptz'), params.add(formatInstant(to), 'timestamptz')];
  const { rows } = await client.query<{ key: string; at: bigint; n: number }>(
    `SELECT ${keySql(rule.groupBy)} AS key, (floor(extract(epoch FROM g.first_seen_at) / 60) * 60000000)::int8 AS at,
       count(DISTINCT (g.source_kind, g.source_namespace, g.source_name, g.destination_kind, g.destination_namespace, g.destination_name))::int AS n
  FROM drop_group g
 WHERE g.cluster_id = ${cluster} AND g.last_seen_at >= ${low} AND g.first_seen_at >= ${low} AND g.first_seen_at < ${high}
   AND ${groupsSql(rule, params)}
   AND NOT EXISTS (SELECT FROM drop_group o WHERE o.cluster_id = g.cluster_id AND ${SAME_PAIR}
                      AND o.first_seen_at < date_trunc('minute', g.first_seen_at))
 GROUP BY 1, 2`,
    params.values,
  );
  return rows.map((row) => ({ ...row, at: Number(row.at) }));
}

/** When the cluster was heard of for the first time, as far back as is known. */
async function knownSince({ client, clusterId }: Target): Promise<Instant> {
  const { rows } = await client.query<{ at: Date | null }>(
    "SELECT min(day)::timestamp AT TIME ZONE 'UTC' AS at FROM seen_day WHERE cluster_id = $1",
    [clusterId],
  );
  return (rows[0]?.at?.getTime() ?? Infinity) * 1000;
}

export async function pairSeries(target: Target & { rule: NewPairRule }): Promise<SeriesByKey> {
  const { rule, states, minutes } = target;
  const learning = (minutes[0]?.bucket ?? 0) < (await knownSince(target)) + rule.learnFor;
  const found = learning ? [] : await newPairs(target);
  const keys = new Set([...states.keys(), ...found.map(({ key }) => key)]);
  const series = [...keys].map((key) => {
    const read: Reader = ({ bucket, closed }, state) => {
      const value = found.find((one) => one.key === key && one.at === bucket)?.n ?? 0;
      const heat = value >= rule.minPairs ? 'hot' : 'cool';
      const judgement: Judgement = { heat, value, expected: null, slow: false, baseline: null };
      return knownOr({ bucket, closed, judgement, nodes: [], level: 0 }, target, state);
    };
    return [key, { labels: labelsOf(rule.groupBy, key), read }] as const;
  });
  return new Map(series);
}
