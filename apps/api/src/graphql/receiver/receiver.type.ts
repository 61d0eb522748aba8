import { Field, Int, ObjectType } from '@nestjs/graphql';
import type { ReceiverRow } from '@whydrop/storage';
import { UserError } from '../mutation/user-error.js';
import { DateTime } from '../scalars/date-time.scalar.js';
import { ReceiverKindEnum } from './receiver.enums.js';

@ObjectType()
export class ReceiverSetting {
  @Field(() => String)
  name: string;

  @Field(() => String)
  value: string;
}

@ObjectType({ description: 'Where alerts are told. Its secrets are never shown.' })
export class Receiver {
  @Field(() => String)
  name: string;

  @Field(() => ReceiverKindEnum)
  kind: string;

  @Field(() => [ReceiverSetting], {
    nullable: true,
    description: 'null for who may not change receivers: an address can hold more than it should.',
  })
  settings: readonly ReceiverSetting[] | null;

  @Field(() => Boolean)
  hasSecrets: boolean;

  @Field(() => Boolean)
  enabled: boolean;

  @Field(() => String, { nullable: true, description: 'Why it switched itself off.' })
  disabledReason: string | null;

  @Field(() => Boolean, { description: 'Whether it is told that an alert is over.' })
  sendResolved: boolean;

  @Field(() => Int, { description: 'Tries that failed in a row.' })
  failures: number;

  @Field(() => DateTime, { nullable: true, description: 'Nothing is sent before.' })
  pausedUntil: number | null;

  @Field(() => DateTime)
  createdAt: number;

  @Field(() => DateTime)
  updatedAt: number;
}

const micros = (date: Date) => date.getTime() * 1000;

/** A receiver as it is shown; settings to those only who may change them. */
export function receiverOf(row: ReceiverRow, showSettings: boolean): Receiver {
  const { settings, pausedUntil, createdAt, updatedAt, ...rest } = row;
  return {
    ...rest,
    settings: showSettings ? Object.entries(settings).map(([name, value]) => ({ name, value })) : null,
    pausedUntil: pausedUntil === null ? null : micros(pausedUntil),
    createdAt: micros(createdAt),
    updatedAt: micros(updatedAt),
  };
}

@ObjectType()
export class ReceiverPayload {
  @Field(() => Receiver, { nullable: true })
  receiver: Receiver | null;

  @Field(() => [UserError])
  userErrors: readonly UserError[];
}

@ObjectType()
export class DeleteReceiverPayload {
  @Field(() => Boolean)
  deleted: boolean;

  @Field(() => [UserError])
  userErrors: readonly UserError[];
}
