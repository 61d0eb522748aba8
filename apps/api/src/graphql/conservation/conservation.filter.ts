import { Field, InputType } from '@nestjs/graphql';
import { BooleanFilter, CauseFilter, StringFilter, TimeRangeInput } from '../filters.js';

@InputType({ description: 'Windows that reach into the time range; all other given parts must hold too.' })
export class ConservationFilter {
  @Field(() => TimeRangeInput)
  timeRange: TimeRangeInput;

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
}
