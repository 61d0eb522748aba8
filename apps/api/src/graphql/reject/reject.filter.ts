import { Field, InputType } from '@nestjs/graphql';
import { RejectReasonFilter, StringFilter, TimeRangeInput } from '../filters.js';
import type { Ref } from '../ref.js';

@InputType({ description: 'All given parts must hold.' })
export class RejectCondition {
  @Field(() => StringFilter, { nullable: true })
  cluster?: StringFilter | null;

  @Field(() => StringFilter, { nullable: true })
  node?: StringFilter | null;

  @Field(() => StringFilter, { nullable: true })
  stream?: StringFilter | null;

  @Field(() => StringFilter, { nullable: true })
  format?: StringFilter | null;

  @Field(() => RejectReasonFilter, { nullable: true })
  reason?: InstanceType<typeof RejectReasonFilter> | null;

  @Field(() => StringFilter, { nullable: true, description: 'Id of the batch.' })
  batch?: StringFilter | null;

  @Field(() => [RejectCondition], { nullable: true, description: 'All of them hold.' })
  and?: Ref<RejectCondition>[] | null;

  @Field(() => [RejectCondition], { nullable: true, description: 'At least one of them holds; never when empty.' })
  or?: Ref<RejectCondition>[] | null;

  @Field(() => RejectCondition, { nullable: true, description: 'It does not hold.' })
  not?: Ref<RejectCondition> | null;
}

@InputType({ description: 'Rejects received in the time range; all other given parts must hold too.' })
export class RejectFilter extends RejectCondition {
  @Field(() => TimeRangeInput)
  timeRange: TimeRangeInput;
}
