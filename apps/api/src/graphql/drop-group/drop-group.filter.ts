import { Field, InputType, registerEnumType } from '@nestjs/graphql';
import type { GroupSort } from '@whydrop/storage';
import { ExplainedCondition } from '../drop/drop.filter.js';
import { TimeRangeInput } from '../filters.js';
import { OrderDirection } from '../page/order.js';
import type { Ref } from '../ref.js';

@InputType({ description: 'All given parts must hold.' })
export class DropGroupCondition extends ExplainedCondition {
  @Field(() => [DropGroupCondition], { nullable: true, description: 'All of them hold.' })
  and?: Ref<DropGroupCondition>[] | null;

  @Field(() => [DropGroupCondition], { nullable: true, description: 'At least one of them holds; never when empty.' })
  or?: Ref<DropGroupCondition>[] | null;

  @Field(() => DropGroupCondition, { nullable: true, description: 'It does not hold.' })
  not?: Ref<DropGroupCondition> | null;
}

@InputType({ description: 'Groups seen in the time range; all other given parts must hold too.' })
export class DropGroupFilter extends DropGroupCondition {
  @Field(() => TimeRangeInput)
  timeRange: TimeRangeInput;
}

const DropGroupOrderField = {
  LAST_SEEN: 'lastSeenAt',
  FIRST_SEEN: 'firstSeenAt',
  DROPS: 'drops',
  PACKETS: 'packets',
} as const satisfies Record<string, GroupSort>;
registerEnumType(DropGroupOrderField, { name: 'DropGroupOrderField' });

@InputType()
export class DropGroupOrder {
  @Field(() => DropGroupOrderField, { defaultValue: 'lastSeenAt' })
  field: GroupSort;

  @Field(() => OrderDirection, { defaultValue: 'DESC' })
  direction: OrderDirection;
}
