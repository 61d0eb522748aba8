import { Field, InputType } from '@nestjs/graphql';
import { AddressFilter, BooleanFilter, IntFilter, StringFilter, TimeRangeInput } from '../filters.js';
import type { Ref } from '../ref.js';

@InputType({ description: 'All given parts must hold.' })
export class FlowCondition {
  @Field(() => StringFilter, { nullable: true })
  cluster?: StringFilter | null;

  @Field(() => StringFilter, { nullable: true })
  node?: StringFilter | null;

  @Field(() => AddressFilter, { nullable: true, description: 'Of either end, before or after translation.' })
  address?: AddressFilter | null;

  @Field(() => AddressFilter, { nullable: true })
  sourceAddress?: AddressFilter | null;

  @Field(() => AddressFilter, { nullable: true, description: 'Before or after translation.' })
  destinationAddress?: AddressFilter | null;

  @Field(() => IntFilter, { nullable: true, description: 'Destination port, before or after translation.' })
  port?: IntFilter | null;

  @Field(() => StringFilter, { nullable: true, description: 'eq, neq, in, nin with TCP, UDP, … or a number.' })
  protocol?: StringFilter | null;

  @Field(() => StringFilter, { nullable: true })
  state?: StringFilter | null;

  @Field(() => BooleanFilter, { nullable: true })
  unreplied?: BooleanFilter | null;

  @Field(() => [FlowCondition], { nullable: true, description: 'All of them hold.' })
  and?: Ref<FlowCondition>[] | null;

  @Field(() => [FlowCondition], { nullable: true, description: 'At least one of them holds; never when empty.' })
  or?: Ref<FlowCondition>[] | null;

  @Field(() => FlowCondition, { nullable: true, description: 'It does not hold.' })
  not?: Ref<FlowCondition> | null;
}

@InputType({ description: 'Flow records observed in the time range; all other given parts must hold too.' })
export class FlowFilter extends FlowCondition {
  @Field(() => TimeRangeInput)
  timeRange: TimeRangeInput;
}
