import { Field, InputType } from '@nestjs/graphql';
import { BooleanFilter, CauseFilter, StringFilter, TimeRangeInput } from '../filters.js';
import type { Ref } from '../ref.js';

@InputType({ description: 'All given parts must hold.' })
export class ConservationCondition {
  @Field(() => StringFilter, { nullable: true })
  cluster?: StringFilter | null;

  @Field(() => StringFilter, { nullable: true })
  node?: StringFilter | null;

  @Field(() => StringFilter, { nullable: true })
  table?: StringFilter | null;

  @Field(() => StringFilter, { nullable: true })
  chain?: StringFilter | null;

  @Field(() => StringFilter, { nullable: true, description: 'Of the workload whose own rule it is.' })
  namespace?: StringFilter | null;

  @Field(() => StringFilter, { nullable: true, description: 'Pod whose own rule it is.' })
  workload?: StringFilter | null;

  @Field(() => StringFilter, {
    nullable: true,
    description: '`namespace/name` or `kind/namespace/name` of a policy that the rule stands for.',
  })
  policy?: StringFilter | null;

  @Field(() => CauseFilter, { nullable: true })
  cause?: InstanceType<typeof CauseFilter> | null;

  @Field(() => BooleanFilter, { nullable: true, description: 'More is told than was counted.' })
  hasExcess?: BooleanFilter | null;

  @Field(() => BooleanFilter, { nullable: true, description: 'Nothing says what some of it was.' })
  hasUnexplained?: BooleanFilter | null;

  @Field(() => [ConservationCondition], { nullable: true, description: 'All of them hold.' })
  and?: Ref<ConservationCondition>[] | null;

  @Field(() => [ConservationCondition], {
    nullable: true,
    description: 'At least one of them holds; never when empty.',
  })
  or?: Ref<ConservationCondition>[] | null;

  @Field(() => ConservationCondition, { nullable: true, description: 'It does not hold.' })
  not?: Ref<ConservationCondition> | null;
}

@InputType({ description: 'Windows that reach into the time range; all other given parts must hold too.' })
export class ConservationFilter extends ConservationCondition {
  @Field(() => TimeRangeInput)
  timeRange: TimeRangeInput;
}
