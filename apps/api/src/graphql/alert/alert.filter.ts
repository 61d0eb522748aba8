import { Field, InputType } from '@nestjs/graphql';
import type { AlertCondition as Condition, AlertQuery } from '@whydrop/storage';
import { BooleanFilter, CauseFilter, checkFilterSize, enumFilter, StringFilter } from '../filters.js';
import { TimeRangeInput, timeRangeOf } from '../filters.js';
import type { Ref } from '../ref.js';
import { AlertRuleKindEnum, AlertStateEnum, SeverityEnum } from './alert.enums.js';

const AlertStateFilter = enumFilter('AlertStateFilter', AlertStateEnum);
const SeverityFilter = enumFilter('AlertSeverityFilter', SeverityEnum);
const AlertRuleKindFilter = enumFilter('AlertRuleKindFilter', AlertRuleKindEnum);

type Enum = InstanceType<typeof AlertStateFilter>;

/** What is asked for alike at the top of a filter and inside `and`, `or`, `not`. */
@InputType({ isAbstract: true })
abstract class AlertMatch {
  @Field(() => AlertRuleKindFilter, { nullable: true })
  kind?: Enum | null;

  @Field(() => AlertStateFilter, { nullable: true })
  state?: Enum | null;

  @Field(() => SeverityFilter, { nullable: true })
  severity?: Enum | null;

  @Field(() => CauseFilter, { nullable: true, description: 'Of the most frequent drop group behind it.' })
  cause?: Enum | null;

  @Field(() => StringFilter, { nullable: true, description: 'Of either end, by its labels.' })
  namespace?: StringFilter | null;

  @Field(() => StringFilter, { nullable: true, description: '`namespace/name` of either end, by its labels.' })
  workload?: StringFilter | null;

  @Field(() => StringFilter, { nullable: true, description: 'By its label.' })
  node?: StringFilter | null;

  @Field(() => BooleanFilter, { nullable: true, description: 'Whether receivers were told.' })
  notified?: BooleanFilter | null;
}

@InputType({ description: 'All given parts must hold.' })
export class AlertCondition extends AlertMatch {
  @Field(() => StringFilter, { nullable: true })
  cluster?: StringFilter | null;

  @Field(() => StringFilter, { nullable: true, description: 'Name of the rule.' })
  rule?: StringFilter | null;

  @Field(() => StringFilter, {
    nullable: true,
    description: 'Any policy of the alert: name, namespace/name or kind/namespace/name.',
  })
  policy?: StringFilter | null;

  @Field(() => [AlertCondition], { nullable: true, description: 'All of them hold.' })
  and?: Ref<AlertCondition>[] | null;

  @Field(() => [AlertCondition], { nullable: true, description: 'At least one of them holds; never when empty.' })
  or?: Ref<AlertCondition>[] | null;

  @Field(() => AlertCondition, { nullable: true, description: 'It does not hold.' })
  not?: Ref<AlertCondition> | null;
}

@InputType({
  description:
    'All given parts must hold. `cluster`, `rule` and `policy` are plain texts here, as they were released; inside and, or, not they are filters.',
})
export class AlertFilter extends AlertMatch {
  @Field(() => TimeRangeInput, { nullable: true, description: 'Alerts that were there in it.' })
  timeRange?: TimeRangeInput | null;

  @Field(() => [AlertStateEnum], { nullable: true, description: 'Short for `state: {in: …}`.' })
  states?: string[] | null;

  @Field(() => [SeverityEnum], { nullable: true, description: 'Short for `severity: {in: …}`.' })
  severities?: string[] | null;

  @Field(() => String, { nullable: true })
  cluster?: string | null;

  @Field(() => String, { nullable: true, description: 'Name of the rule.' })
  rule?: string | null;

  @Field(() => String, { nullable: true, description: '`Kind/namespace/name`, one of the alert’s.' })
  policy?: string | null;

  @Field(() => [AlertCondition], { nullable: true, description: 'All of them hold.' })
  and?: Ref<AlertCondition>[] | null;

  @Field(() => [AlertCondition], { nullable: true, description: 'At least one of them holds; never when empty.' })
  or?: Ref<AlertCondition>[] | null;

  @Field(() => AlertCondition, { nullable: true, description: 'It does not hold.' })
  not?: Ref<AlertCondition> | null;
}

/** What a filter asks for now (milliseconds since 1970); throws BAD_USER_INPUT. */
export function alertQueryOf(filter: AlertFilter, now: number): AlertQuery {
  checkFilterSize(filter);
  const { timeRange, states, severities, cluster, rule, policy, ...rest } = filter;
  const range = timeRange ? timeRangeOf(timeRange, now) : undefined;
  const short: Condition = {
    state: { in: states ?? null },
    severity: { in: severities ?? null },
    cluster: { eq: cluster ?? null },
    rule: { eq: rule ?? null },
    policy: { eq: policy ?? null },
  };
  return { range, condition: { ...rest, and: [short, ...(rest.and ?? [])] } };
}
