import { Field, InputType, Int } from '@nestjs/graphql';
import type { Match, TimeRange } from '@whydrop/storage';
import { BasisEnum, CauseEnum, DirectionEnum, RejectReasonEnum, VerdictEnum } from './enums.js';
import { badInput } from './server/graphql-error.js';
import { CIDR, IP } from './scalars/ip.scalar.js';
import { DateTime } from './scalars/date-time.scalar.js';
import { Duration } from './scalars/duration.scalar.js';

@InputType({ description: 'Half-open interval `[from, to)`, or the time before now.' })
export class TimeRangeInput {
  @Field(() => DateTime, { nullable: true })
  from?: number | null;

  @Field(() => DateTime, { nullable: true, description: 'Open when absent.' })
  to?: number | null;

  @Field(() => Duration, { nullable: true, description: 'Instead of `from` and `to`: so long before now.' })
  last?: number | null;
}

/** What a time range means now (milliseconds since 1970). */
export function timeRangeOf({ from, to, last }: TimeRangeInput, now: number): TimeRange {
  const given = (value: number | null | undefined): value is number => value !== undefined && value !== null;
  if (given(last)) {
    if (given(from) || given(to)) throw badInput('timeRange: give either last, or from and to');
    return { from: Math.max(0, now * 1000 - last), to: undefined };
  }
  if (!given(from)) throw badInput('timeRange: from or last is needed');
  if (given(to) && to <= from) throw badInput('timeRange: to must be after from');
  return { from, to: given(to) ? to : undefined };
}

@InputType({ description: 'All given parts must hold.' })
export class StringFilter implements Match<string> {
  @Field(() => String, { nullable: true })
  eq?: string | null;

  @Field(() => String, { nullable: true })
  neq?: string | null;

  @Field(() => [String], { nullable: true })
  in?: string[] | null;

  @Field(() => [String], { nullable: true })
  nin?: string[] | null;

  @Field(() => String, { nullable: true })
  contains?: string | null;

  @Field(() => String, { nullable: true })
  containsIgnoreCase?: string | null;

  @Field(() => String, { nullable: true })
  startsWith?: string | null;

  @Field(() => Boolean, { nullable: true })
  isNull?: boolean | null;
}

@InputType({ description: 'All given parts must hold.' })
export class IntFilter implements Match<number> {
  @Field(() => Int, { nullable: true })
  eq?: number | null;

  @Field(() => Int, { nullable: true })
  neq?: number | null;

  @Field(() => [Int], { nullable: true })
  in?: number[] | null;

  @Field(() => [Int], { nullable: true })
  nin?: number[] | null;

  @Field(() => Int, { nullable: true })
  gt?: number | null;

  @Field(() => Int, { nullable: true })
  gte?: number | null;

  @Field(() => Int, { nullable: true })
  lt?: number | null;

  @Field(() => Int, { nullable: true })
  lte?: number | null;

  @Field(() => Boolean, { nullable: true })
  isNull?: boolean | null;
}

@InputType()
export class BooleanFilter implements Match<boolean> {
  @Field(() => Boolean, { nullable: true })
  eq?: boolean | null;
}

@InputType({ description: 'All given parts must hold.' })
export class AddressFilter implements Match<string> {
  @Field(() => IP, { nullable: true })
  eq?: string | null;

  @Field(() => IP, { nullable: true })
  neq?: string | null;

  @Field(() => [IP], { nullable: true })
  in?: string[] | null;

  @Field(() => [IP], { nullable: true })
  nin?: string[] | null;

  @Field(() => CIDR, { nullable: true })
  within?: string | null;
}

/** Filter of an enum's values. */
export function enumFilter(name: string, values: Readonly<Record<string, string>>) {
  @InputType(name, { description: 'All given parts must hold.' })
  class EnumFilter implements Match<string> {
    @Field(() => values, { nullable: true })
    eq?: string | null;

    @Field(() => values, { nullable: true })
    neq?: string | null;

    @Field(() => [values], { nullable: true })
    in?: string[] | null;

    @Field(() => [values], { nullable: true })
    nin?: string[] | null;

    @Field(() => Boolean, { nullable: true })
    isNull?: boolean | null;
  }
  return EnumFilter;
}

export const VerdictFilter = enumFilter('VerdictFilter', VerdictEnum);
export const CauseFilter = enumFilter('CauseFilter', CauseEnum);
export const BasisFilter = enumFilter('BasisFilter', BasisEnum);
export const DirectionFilter = enumFilter('DirectionFilter', DirectionEnum);
export const RejectReasonFilter = enumFilter('RejectReasonFilter', RejectReasonEnum);

const MAX_VALUES = 1000;
const MAX_NESTING = 10;

/** Refuses a filter that is too large to be answered in reasonable time; throws BAD_USER_INPUT. */
export function checkFilterSize(filter: object): void {
  let values = 0;
  const visit = (value: unknown, depth: number): void => {
    if (depth > 2 * MAX_NESTING) throw badInput(`filter: and, or, not are nested deeper than ${MAX_NESTING}`);
    if (typeof value !== 'object' || value === null) {
      if (++values > MAX_VALUES) throw badInput(`filter: holds more than ${MAX_VALUES} values`);
      return;
    }
    for (const part of Object.values(value)) visit(part, depth + 1);
  };
  visit(filter, 0);
}
