import type { DataFrame, DataQueryRequest, TimeRange } from '@grafana/data';
import { map, type Observable } from 'rxjs';
import { alertsFrame } from '../frames/alerts';
import { dropsFrame } from '../frames/drops';
import { graphFrames } from '../frames/graph';
import type { PageUrl } from '../frames/links';
import { topFrame } from '../frames/top';
import { trendFrames } from '../frames/trend';
import { MEASURES } from '../types';
import type { AlertsAnswer, DropsAnswer, GraphAnswer, TopAnswer, TrendAnswer } from './answers';
import type { CompleteQuery } from './defaults';
import { ALERTS, DROPS, GRAPH, TOP, TREND } from './documents';

/** Asks with a document and its variables. */
export type Ask = <T>(document: string, variables: object) => Observable<T>;

export interface Asked {
  /** Its variables are filled in. */
  readonly query: CompleteQuery;
  /** `DropGroupCondition` of the API, and `AlertCondition`. */
  readonly condition: Readonly<Record<string, { readonly in: readonly string[] }>>;
  readonly range: TimeRange;
  readonly maxDataPoints: DataQueryRequest['maxDataPoints'];
  readonly page: PageUrl;
}

/** More points in a series than this are not seen on any screen. */
const MOST_POINTS = 1000;

export function timeRangeOf({ from, to }: TimeRange): { readonly from: string; readonly to: string } {
  return { from: from.toISOString(), to: to.toISOString() };
}

function trendVariables({ query, condition, range, maxDataPoints }: Asked): object {
  const { groupBy, limit, measure, step, compareWith } = query;
  const buckets = step ? { step } : { maxPoints: Math.max(1, Math.min(maxDataPoints ?? 100, MOST_POINTS)) };
  const sums = MEASURES.map((name) => [name.toLowerCase(), name === measure] as const);
  return {
    ...Object.fromEntries(sums),
    ...buckets,
    ...(compareWith ? { compareWith } : {}),
    timeRange: timeRangeOf(range),
    filter: condition,
    groupBy,
    top: limit,
  };
}

/** Asks what a query asks, as frames. */
export function run(asked: Asked, ask: Ask): Observable<DataFrame[]> {
  const { query, condition, range, page } = asked;
  const timeRange = timeRangeOf(range);
  const rows = { filter: { ...condition, timeRange }, first: query.limit };
  switch (query.kind) {
    case 'trend':
      return ask<TrendAnswer>(TREND, trendVariables(asked)).pipe(map((answer) => trendFrames(answer, query)));
    case 'top': {
      const top = { timeRange, filter: condition, by: query.groupBy[0] ?? 'POLICY', first: query.limit };
      return ask<TopAnswer>(TOP, top).pipe(map((answer) => [topFrame(answer, query, page)]));
    }
    case 'drops':
      return ask<DropsAnswer>(DROPS, rows).pipe(map((answer) => [dropsFrame(answer, query, page)]));
    case 'graph':
      return ask<GraphAnswer>(GRAPH, rows).pipe(map((answer) => graphFrames(answer, query, page)));
    case 'alerts': {
      // Beside `and` a cluster and a policy are short for one value.
      const alerts = { filter: { timeRange, and: [condition] }, first: query.limit };
      return ask<AlertsAnswer>(ALERTS, alerts).pipe(map((answer) => [alertsFrame(answer, query, page)]));
    }
    default:
      return query.kind satisfies never;
  }
}
