import { ArgsType, Field, Int } from '@nestjs/graphql';
import { type TrendPlan, USUAL_POINTS } from '@whydrop/rollup';
import type { Dimension } from '@whydrop/storage';
import { DropGroupCondition } from '../drop-group/drop-group.filter.js';
import { TimeRangeInput } from '../filters.js';
import { Duration } from '../scalars/duration.scalar.js';
import { badInput } from '../server/graphql-error.js';
import { TrendComparison, TrendDimensionEnum } from './trend.enums.js';

/** Series with points of their own; the rest is added up. */
export const MOST_SERIES = 100;

/** Points of all series of an answer. */
const MOST_CELLS = 60_000;

const MOST_DIMENSIONS = 3;

@ArgsType()
export class TrendArgs {
  @Field(() => TimeRangeInput)
  timeRange: TimeRangeInput;

  @Field(() => DropGroupCondition, { nullable: true, description: 'As for drop groups.' })
  filter?: DropGroupCondition | null;

  @Field(() => Duration, { nullable: true, description: 'Length of a bucket; rounded up to what is stored.' })
  step?: number | null;

  @Field(() => Int, {
    nullable: true,
    description: `Instead of step: at most so many buckets (${USUAL_POINTS} when neither is given).`,
  })
  maxPoints?: number | null;

  @Field(() => [TrendDimensionEnum], {
    defaultValue: [],
    description: `A series per value; at most ${MOST_DIMENSIONS}.`,
  })
  groupBy: Dimension[];

  @Field(() => Int, { defaultValue: 10, description: 'So many series; what is left is `other`.' })
  top: number;

  @Field(() => TrendComparison, { nullable: true })
  compareWith?: TrendComparison | null;
}

/** Refuses what cannot be answered; throws BAD_USER_INPUT. */
export function checkTrendArgs({ step, maxPoints, groupBy, top }: TrendArgs): void {
  if (step != null && maxPoints != null) throw badInput('give either step or maxPoints');
  if (step != null && step <= 0) throw badInput('step: more than nothing');
  if (maxPoints != null && maxPoints < 1) throw badInput('maxPoints: at least 1');
  if (top < 1 || top > MOST_SERIES) throw badInput(`top: between 1 and ${MOST_SERIES}`);
  checkDimensions(groupBy);
}

export function checkDimensions(groupBy: readonly Dimension[]): void {
  if (groupBy.length > MOST_DIMENSIONS) throw badInput(`groupBy: at most ${MOST_DIMENSIONS} dimensions`);
  if (new Set(groupBy).size < groupBy.length) throw badInput('groupBy: the same dimension twice');
}

/** Refuses an answer that nobody can draw. */
export function checkCells({ groupBy, top }: TrendArgs, { from, to, step }: TrendPlan): void {
  const cells = ((to - from) / step) * (groupBy.length === 0 ? 1 : top + 1);
  if (cells > MOST_CELLS)
    throw badInput(`${cells} points, over the limit of ${MOST_CELLS}: ask for fewer series or a longer step`);
}
