import { DataFrameType, FieldType, type DataFrame, type Labels } from '@grafana/data';
import type { Series, TrendAnswer } from '../query/answers';
import type { CompleteQuery } from '../query/defaults';
import type { Comparison, Dimension } from '../types';
import { labelName, plain } from './words';

const BEFORE: Readonly<Record<Comparison, string>> = {
  PREVIOUS_WINDOW: 'window before',
  SAME_TIME_LAST_WEEK: 'a week before',
};
/** `other` stands for what has no series of its own; `(none)` for what has no such property. */
const OTHER = 'other';
const NONE = '(none)';

function labelsOf(series: Series, groupBy: readonly Dimension[], isOther: boolean): Labels {
  if (isOther) return Object.fromEntries(groupBy.map((dimension) => [labelName(dimension), OTHER]));
  return Object.fromEntries(series.labels.map(({ dimension, value }) => [labelName(dimension), value || NONE]));
}

interface Shape {
  readonly query: CompleteQuery;
  /** Starts of the buckets that are drawn; a comparison is drawn over them, not at its own time. */
  readonly times: readonly number[];
  readonly before?: Comparison | undefined;
}

function frameOf(series: Series, isOther: boolean, { query, times, before }: Shape): DataFrame {
  const own = labelsOf(series, query.groupBy, isOther);
  const labels = before ? { ...own, compared: BEFORE[before] } : own;
  const named = Object.values(own).join(' ') || plain(query.measure);
  const sum = query.measure.toLowerCase();
  const values = times.map((_, index) => (series.points[index]?.[sum] ?? null) as number | null);
  return {
    refId: query.refId,
    name: before ? `${named}, ${BEFORE[before]}` : named,
    meta: { type: DataFrameType.TimeSeriesMulti, typeVersion: [0, 1], preferredVisualisationType: 'graph' },
    fields: [
      { name: 'Time', type: FieldType.time, values: [...times], config: {} },
      {
        name: plain(query.measure),
        type: FieldType.number,
        values,
        labels,
        config: { displayNameFromDS: before ? `${named}, ${BEFORE[before]}` : named, min: 0, unit: 'short' },
      },
    ],
    length: times.length,
  };
}

/** A frame per series; null, and so a gap in the line, in buckets in which nobody was looking. */
export function trendFrames({ trend }: TrendAnswer, query: CompleteQuery): DataFrame[] {
  const first = trend.series[0] ?? trend.other;
  const times = (first?.points ?? []).map(({ from }) => Date.parse(from));
  const listed = ({ series, other }: TrendAnswer['trend'], before?: Comparison): DataFrame[] => [
    ...series.map((one) => frameOf(one, false, { query, times, before })),
    ...(other ? [frameOf(other, true, { query, times, before })] : []),
  ];
  const now = listed({ ...trend, comparison: null });
  if (!trend.comparison) return now;
  return [...now, ...listed({ ...trend.comparison, comparison: null }, query.compareWith)];
}
