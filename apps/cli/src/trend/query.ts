import type { DropsRequest } from '../drops/query.js';
import { conditionOf } from '../drops/query.js';
import type { WhydropClient } from '../server/client.js';

/** What a trend can be told apart by: TrendDimension of schema.graphql, as it is typed. */
export const DIMENSIONS = [
  'cause',
  'cluster',
  'destination-namespace',
  'destination-workload',
  'direction',
  'group',
  'namespace',
  'node',
  'policy',
  'port',
  'protocol',
  'source-namespace',
  'source-workload',
  'verdict',
] as const;

export interface TrendRequest extends DropsRequest {
  readonly by: readonly string[];
  readonly top: number;
  /** ISO 8601 duration; undefined: the server chooses. */
  readonly step: string | undefined;
}

/** Null where nobody was looking. */
export interface PointAnswer {
  readonly from: string;
  readonly drops: number | null;
  readonly attempts: number | null;
  readonly packets: number | null;
  readonly counted: number | null;
}

export interface SeriesAnswer {
  readonly key: string;
  readonly labels: readonly { readonly dimension: string; readonly value: string }[];
  readonly points: readonly PointAnswer[];
}

export interface TrendAnswer {
  readonly step: string;
  /** Share of each bucket in which somebody was looking. */
  readonly coverage: readonly number[];
  readonly series: readonly SeriesAnswer[];
  /** What has no series of its own. */
  readonly other: SeriesAnswer | null;
}

const SERIES = '{ key labels { dimension value } points { from drops attempts packets counted } }';
const TREND = `query ($timeRange: TimeRangeInput!, $filter: DropGroupCondition, $by: [TrendDimension!]!, $top: Int!, $step: Duration, $most: Int) {
  trend: blockedConnectionTrend(timeRange: $timeRange, filter: $filter, groupBy: $by, top: $top, step: $step, maxPoints: $most) {
    step coverage series ${SERIES} other ${SERIES} } }`;

/** Buckets that a person reads when no step was asked for. */
const MOST_POINTS = 48;

export async function fetchTrend(client: WhydropClient, request: TrendRequest): Promise<TrendAnswer> {
  const { from, to, last, by, top, step } = request;
  const variables = {
    timeRange: last === undefined ? { from, to } : { last },
    filter: conditionOf(request),
    by: by.map((dimension) => dimension.toUpperCase().replaceAll('-', '_')),
    top,
    ...(step === undefined ? { most: MOST_POINTS } : { step }),
  };
  return (await client.query<{ trend: TrendAnswer }>(TREND, variables)).trend;
}
