import { Field, ID, InputType, Int, ObjectType } from '@nestjs/graphql';
import type { DeliveryState } from '@whydrop/storage';
import { TimeRangeInput } from '../filters.js';
import { UserError } from '../mutation/user-error.js';
import { connectionOf } from '../page/connection.js';
import { DateTime } from '../scalars/date-time.scalar.js';
import { AttemptOutcomeEnum, DeliveryStateEnum, DeliveryStatusEnum } from './receiver.enums.js';

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
export class DeliveryFilter {
  @Field(() => TimeRangeInput, { nullable: true, description: 'When it was written.' })
  timeRange?: TimeRangeInput | null;

  @Field(() => String, { nullable: true, description: 'Name of the receiver.' })
  receiver?: string | null;

  @Field(() => String, { nullable: true })
  alertId?: string | null;

  @Field(() => [DeliveryStateEnum], { nullable: true })
  states?: DeliveryState[] | null;
}

@ObjectType()
export class DeliveryPayload {
  @Field(() => Delivery, { nullable: true, description: 'Ask for it again by its id to see what came of it.' })
  delivery: Delivery | null;

  @Field(() => [UserError])
  userErrors: readonly UserError[];
}
