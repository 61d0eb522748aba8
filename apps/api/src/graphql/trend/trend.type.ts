import { Field, Float, ObjectType } from '@nestjs/graphql';
import type { Dimension } from '@whydrop/storage';
import { DateTime } from '../scalars/date-time.scalar.js';
import { Duration } from '../scalars/duration.scalar.js';
import { TrendDimensionEnum } from './trend.enums.js';

@ObjectType({ description: 'Sums. Numbers are exact up to 2^53.' })
export class TrendSums {
  @Field(() => Float, { description: 'Blocked connections.' })
  drops: number;

  @Field(() => Float, { description: 'Their attempts.' })
  attempts: number;

  @Field(() => Float, { description: 'Their packets, retries included.' })
  packets: number;

  @Field(() => Float, { description: 'Packets that were counted as dropped and that no drop tells with addresses.' })
  counted: number;
}

@ObjectType({ description: 'One bucket. The sums are 0 where nothing was blocked, and null where nobody was looking.' })
export class TrendPoint {
  @Field(() => DateTime, { description: 'Start of the bucket; it is `step` long.' })
  from: number;

  @Field(() => Float, { nullable: true })
  drops: number | null;

  @Field(() => Float, { nullable: true })
  attempts: number | null;

  @Field(() => Float, { nullable: true })
  packets: number | null;

  @Field(() => Float, { nullable: true })
  counted: number | null;

  @Field(() => Boolean, {
    description: 'A stream of the cluster (the node, where series are per node) was seen alive.',
  })
  covered: boolean;
}

@ObjectType()
export class TrendLabel {
  @Field(() => TrendDimensionEnum)
  dimension: Dimension;

  @Field(() => String, { description: 'Empty when there is none.' })
  value: string;
}

@ObjectType()
export class TrendSeries {
  @Field(() => String, { description: 'Its labels, to be read; `all` without a dimension, `other` for the rest.' })
  key: string;

  @Field(() => [TrendLabel], { description: 'In the order of groupBy.' })
  labels: TrendLabel[];

  @Field(() => TrendSums)
  total: TrendSums;

  @Field(() => [TrendPoint])
  points: TrendPoint[];
}

@ObjectType({ description: 'The same series at another time, bucket by bucket.' })
export class TrendBefore {
  @Field(() => DateTime)
  from: number;

  @Field(() => DateTime)
  to: number;

  @Field(() => TrendSums)
  total: TrendSums;

  @Field(() => [TrendSeries], { description: 'The series of the trend, in its order.' })
  series: TrendSeries[];

  @Field(() => TrendSeries, { nullable: true })
  other: TrendSeries | null;
}

@ObjectType({ description: 'One value of one series: what a table or a Grafana panel reads.' })
export class TrendValue {
  @Field(() => DateTime)
  time: number;

  @Field(() => Float, { nullable: true })
  value: number | null;

  @Field(() => String)
  series: string;
}

@ObjectType({ description: 'How much was blocked over time.' })
export class BlockedConnectionTrend {
  @Field(() => Duration, { description: 'Length of a bucket: what was asked for, rounded up to what is stored.' })
  step: number;

  @Field(() => DateTime, { description: 'Start of the first bucket. Buckets are counted from 1970-01-01.' })
  from: number;

  @Field(() => DateTime, { description: 'End of the last bucket; it may not be over yet.' })
  to: number;

  @Field(() => [Float], { description: 'Share of the minutes of each bucket in which a stream was seen alive.' })
  coverage: number[];

  @Field(() => TrendSums, {
    description: 'Of all series. By policy, what several policies blocked is counted for each of them.',
  })
  total: TrendSums;

  @Field(() => [TrendSeries], { description: 'Those with most packets first, counted ones included.' })
  series: TrendSeries[];

  @Field(() => TrendSeries, { nullable: true, description: 'What has no series of its own.' })
  other: TrendSeries | null;

  @Field(() => TrendBefore, { nullable: true, description: 'With compareWith.' })
  comparison: TrendBefore | null;
}

@ObjectType({ description: 'What blocked most.' })
export class TopBlocked extends TrendSums {
  @Field(() => String)
  key: string;

  @Field(() => [TrendLabel])
  labels: TrendLabel[];
}
