import { Inject } from '@nestjs/common';
import { Args, ArgsType, Field, Int, Parent, Query, ResolveField, Resolver } from '@nestjs/graphql';
import { LEVEL_MICROS, planTrend, type TrendPlan, windowStart } from '@whydrop/rollup';
import {
  type Dimension,
  readKeptLevels,
  type Reader,
  readSeen,
  readSeries,
  readTopBlocked,
  seenStatement,
  seriesStatement,
  topBlockedStatement,
  type TrendCondition,
} from '@whydrop/storage';
import { API_OPTIONS, READER, type ApiOptions } from '../../options.js';
import { DropGroupCondition } from '../drop-group/drop-group.filter.js';
import { withDefaultVerdicts } from '../drop/drop.filter.js';
import { checkFilterSize, TimeRangeInput, timeRangeOf } from '../filters.js';
import { badInput } from '../server/graphql-error.js';
import { checkCells, checkTrendArgs, MOST_SERIES, TrendArgs } from './trend.args.js';
import { type TrendComparison, TrendDimensionEnum, TrendMeasure } from './trend.enums.js';
import { BlockedConnectionTrend, TopBlocked, TrendValue } from './trend.type.js';
import { type Coverage, coverageBy, labelsOf, nameOf, trendOf } from './trend.view.js';

const WEEK = 7 * LEVEL_MICROS.day;

@ArgsType()
class TopBlockedArgs {
  @Field(() => TimeRangeInput, { description: 'Widened to whole minutes; to hours or days where the range is long.' })
  timeRange: TimeRangeInput;

  @Field(() => DropGroupCondition, { nullable: true })
  filter?: DropGroupCondition | null;

  @Field(() => TrendDimensionEnum)
  by: Dimension;

  @Field(() => Int, { defaultValue: 10, description: `How many, 1 to ${MOST_SERIES}.` })
  first: number;
}

function conditionOf(filter: DropGroupCondition | null | undefined): TrendCondition {
  checkFilterSize(filter ?? {});
  return withDefaultVerdicts((filter ?? {}) as TrendCondition);
}

/** The same plan, earlier: by whole buckets. */
function before(plan: TrendPlan, compareWith: TrendComparison): TrendPlan {
  const by = compareWith === 'PREVIOUS_WINDOW' ? plan.to - plan.from : windowStart(WEEK, plan.step) || plan.step;
  return { ...plan, from: plan.from - by, to: plan.to - by };
}

@Resolver(() => BlockedConnectionTrend)
export class TrendResolver {
  constructor(
    @Inject(READER) private readonly reader: Reader,
    @Inject(API_OPTIONS) private readonly options: ApiOptions,
  ) {}

  private range(timeRange: TimeRangeInput): { readonly from: number; readonly to: number } {
    const now = (this.options.now ?? Date.now)();
    const { from, to = now * 1000 } = timeRangeOf(timeRange, now);
    if (to <= from) throw badInput('timeRange: it has not begun');
    return { from, to };
  }

  private async coverage(plan: TrendPlan, condition: TrendCondition, nodes: readonly string[]): Promise<Coverage> {
    const asked = condition.node?.eq;
    const cluster = condition.cluster?.eq;
    const wanted = typeof asked === 'string' ? [asked] : nodes;
    const statement = seenStatement(
      plan.from,
      plan.to,
      ['', ...wanted],
      typeof cluster === 'string' ? cluster : undefined,
    );
    const coverage = coverageBy(await readSeen(this.reader, statement), plan);
    return typeof asked === 'string' ? (of) => coverage(of, asked) : coverage;
  }

  private async trend(
    plan: TrendPlan,
    { groupBy, top }: TrendArgs,
    condition: TrendCondition,
    keys?: readonly (readonly string[])[],
  ) {
    const chosen = keys ? { keys } : groupBy.length === 0 ? {} : { top };
    const rows = await readSeries(this.reader, seriesStatement({ ...plan, groupBy, condition, ...chosen }));
    const at = groupBy.indexOf('node');
    const nodes = at < 0 ? [] : [...new Set(rows.flatMap(({ key }) => key?.[at] ?? []))];
    const coverage = await this.coverage(plan, condition, nodes);
    return { ...trendOf(rows, plan, groupBy, coverage, keys), coverage: [...coverage('', '')] };
  }

  @Query(() => BlockedConnectionTrend, {
    complexity: ({ args, childComplexity }) => 500 + 10 * (Number(args['top'] ?? 10) + 1) + childComplexity,
    description: 'Blocked connections over time. Drops that come late or are amended correct their buckets.',
  })
  async blockedConnectionTrend(@Args() args: TrendArgs): Promise<BlockedConnectionTrend> {
    checkTrendArgs(args);
    const { step, maxPoints, compareWith, filter } = args;
    const wanted = { ...this.range(args.timeRange), step: step ?? undefined, maxPoints: maxPoints ?? undefined };
    const plan = planTrend(wanted, await readKeptLevels(this.reader));
    checkCells(args, plan);
    const condition = conditionOf(filter);
    const { keys, ...trend } = await this.trend(plan, args, condition);
    const { from, to } = plan;
    if (!compareWith) return { step: plan.step, from, to, ...trend, comparison: null };
    const earlier = before(plan, compareWith);
    const comparison = await this.trend(earlier, args, condition, keys);
    return { step: plan.step, from, to, ...trend, comparison: { from: earlier.from, to: earlier.to, ...comparison } };
  }

  @ResolveField(() => [TrendValue], {
    description: 'All series in one list, `other` last: for tables and for Grafana. Null where nobody was looking.',
  })
  points(
    @Parent() { series, other }: BlockedConnectionTrend,
    @Args('measure', { type: () => TrendMeasure, defaultValue: TrendMeasure.DROPS }) measure: TrendMeasure,
  ): TrendValue[] {
    const all = other ? [...series, other] : series;
    return all.flatMap(({ key, points }) =>
      points.map((point) => ({ time: point.from, value: point[measure], series: key })),
    );
  }

  @Query(() => [TopBlocked], {
    complexity: ({ args, childComplexity }) => 500 + Number(args['first'] ?? 10) * childComplexity,
    description: 'What blocked most packets, counted ones included.',
  })
  async topBlocked(@Args() { timeRange, filter, by, first }: TopBlockedArgs): Promise<TopBlocked[]> {
    if (first < 1 || first > MOST_SERIES) throw badInput(`first: must be from 1 to ${MOST_SERIES}`);
    const range = this.range(timeRange);
    const days = (range.to - range.from) / LEVEL_MICROS.day;
    const step = LEVEL_MICROS[days <= 2 ? 'minute' : days <= 60 ? 'hour' : 'day'];
    const plan = planTrend({ ...range, step }, await readKeptLevels(this.reader));
    const statement = topBlockedStatement(plan, [by], conditionOf(filter), first);
    const rows = await readTopBlocked(this.reader, statement);
    return rows.map(({ key, ...sums }) => ({ ...sums, key: nameOf(key), labels: labelsOf([by], key) }));
  }
}
