import { Field, ID, InputType, Int, ObjectType } from '@nestjs/graphql';
import type { DeliveryState } from '@whydrop/storage';
import { enumFilter, StringFilter, TimeRangeInput } from '../filters.js';
import { UserError } from '../mutation/user-error.js';
import { connectionOf } from '../page/connection.js';
import type { Ref } from '../ref.js';
import { DateTime } from '../scalars/date-time.scalar.js';
import { AttemptOutcomeEnum, DeliveryStateEnum, DeliveryStatusEnum } from './receiver.enums.js';

const DeliveryStateFilter = enumFilter('DeliveryStateFilter', DeliveryStateEnum);
const DeliveryStatusFilter = enumFilter('DeliveryStatusFilter', DeliveryStatusEnum);

@ObjectType({ description: 'One try to tell a receiver.' })
export class DeliveryAttempt {
  @Field(() => DateTime)
  startedAt: number;

  @Field(() => Int, { description: 'Milliseconds it took.' })
  millis: number;

  @Field(() => AttemptOutcomeEnum)
  outcome: string;

  @Field(() => Int, { nullable: true, description: 'HTTP status; null when nothing came back.' })
  status: number | null;

  @Field(() => String, {
    nullable: true,
    description: 'Begin of the answer’s body; null for who may not change receivers.',
  })
  response: string | null;

  @Field(() => String, { nullable: true })
  error: string | null;
}

@ObjectType({ description: 'One message of an alert for one receiver.' })
export class Delivery {
  @Field(() => ID)
  id: string;

  @Field(() => String, { description: 'What the receiver knows it by: the same on every try.' })
  key: string;

  @Field(() => String)
  receiver: string;

  @Field(() => String)
  alertId: string;

  @Field(() => Int, { description: 'Of one alert a receiver is told in this order.' })
  sequence: number;

  @Field(() => DeliveryStatusEnum)
  status: string;

  @Field(() => String)
  summary: string;

  @Field(() => DeliveryStateEnum)
  state: string;

  @Field(() => Int)
  attempts: number;

  @Field(() => DateTime, { nullable: true, description: 'null when nothing is to come.' })
  nextAttemptAt: number | null;

  @Field(() => String, { nullable: true, description: 'Why it is dead or skipped.' })
  reason: string | null;

  @Field(() => DateTime)
  createdAt: number;

  @Field(() => DateTime, { nullable: true })
  finishedAt: number | null;
}

@ObjectType()
export class DeliveryConnection extends connectionOf(Delivery) {}

@InputType({ description: 'All given parts must hold.' })
export class DeliveryCondition {
  @Field(() => StringFilter, { nullable: true, description: 'Name of the receiver.' })
  receiver?: StringFilter | null;

  @Field(() => StringFilter, { nullable: true })
  alertId?: StringFilter | null;

  @Field(() => DeliveryStateFilter, { nullable: true })
  state?: InstanceType<typeof DeliveryStateFilter> | null;

  @Field(() => DeliveryStatusFilter, { nullable: true })
  status?: InstanceType<typeof DeliveryStatusFilter> | null;

  @Field(() => [DeliveryCondition], { nullable: true, description: 'All of them hold.' })
  and?: Ref<DeliveryCondition>[] | null;

  @Field(() => [DeliveryCondition], { nullable: true, description: 'At least one of them holds; never when empty.' })
  or?: Ref<DeliveryCondition>[] | null;

  @Field(() => DeliveryCondition, { nullable: true, description: 'It does not hold.' })
  not?: Ref<DeliveryCondition> | null;
}

@InputType({
  description:
    'All given parts must hold. `receiver` and `alertId` are plain texts here, as they were released; inside and, or, not they are filters.',
})
export class DeliveryFilter {
  @Field(() => TimeRangeInput, { nullable: true, description: 'When it was written.' })
  timeRange?: TimeRangeInput | null;

  @Field(() => String, { nullable: true, description: 'Name of the receiver.' })
  receiver?: string | null;

  @Field(() => String, { nullable: true })
  alertId?: string | null;

  @Field(() => [DeliveryStateEnum], { nullable: true })
  states?: DeliveryState[] | null;

  @Field(() => [DeliveryCondition], { nullable: true, description: 'All of them hold.' })
  and?: Ref<DeliveryCondition>[] | null;

  @Field(() => [DeliveryCondition], { nullable: true, description: 'At least one of them holds; never when empty.' })
  or?: Ref<DeliveryCondition>[] | null;

  @Field(() => DeliveryCondition, { nullable: true, description: 'It does not hold.' })
  not?: Ref<DeliveryCondition> | null;
}

@ObjectType()
export class DeliveryPayload {
  @Field(() => Delivery, { nullable: true, description: 'Ask for it again by its id to see what came of it.' })
  delivery: Delivery | null;

  @Field(() => [UserError])
  userErrors: readonly UserError[];
}
