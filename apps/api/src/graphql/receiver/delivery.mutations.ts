import { Inject } from '@nestjs/common';
import { Args, Context, ID, Mutation, Resolver } from '@nestjs/graphql';
import type { AlertMessage } from '@whydrop/alerting';
import { enqueueAlone, findReceiver, messageKey, readerOf, redeliver } from '@whydrop/storage';
import { API_OPTIONS, type ApiOptions } from '../../options.js';
import { type GraphqlContext, writerOf } from '../context.js';
import { userError, type UserError } from '../mutation/user-error.js';
import { findDelivery } from './delivery.resolver.js';
import { Delivery, DeliveryPayload } from './delivery.type.js';

const failed = (error: UserError): DeliveryPayload => ({ delivery: null, userErrors: [error] });

/** What a receiver is told by somebody who tries it. `now` in microseconds. */
function testMessage(receiver: string, by: string, now: number): AlertMessage {
  return {
    alertId: `test_${messageKey().slice('msg_'.length)}`,
    sequence: 1,
    status: 'test',
    at: now,
    startsAt: now,
    endsAt: null,
    ruleName: 'WhydropTest',
    ruleKind: 'TEST',
    severity: 'info',
    cluster: 'test',
    labels: { receiver },
    summary: `Test of the receiver ${receiver}: nothing is wrong`,
    sentence: `Sent by ${by} to see whether messages arrive.`,
    cause: null,
    policies: [],
    value: 0,
    expected: null,
    topSources: [],
    topDestinations: [],
    pod: null,
    trend: [],
    changes: [],
    path: '/',
  };
}

@Resolver(() => Delivery)
export class DeliveryMutations {
  constructor(@Inject(API_OPTIONS) private readonly options: ApiOptions) {}

  @Mutation(() => DeliveryPayload, { description: 'Tells a receiver that nothing is wrong, to see whether it hears.' })
  async sendTestMessage(@Args('receiver') name: string, @Context() context: GraphqlContext): Promise<DeliveryPayload> {
    const { now = Date.now } = this.options;
    const writer = writerOf(context);
    const receiver = await findReceiver(writer, name);
    if (!receiver) return failed(userError('NOT_FOUND', 'receiver', `there is no receiver '${name}'`));
    if (!receiver.enabled) return failed(userError('CONFLICT', 'receiver', `the receiver '${name}' is switched off`));
    const message = testMessage(name, context.principal.name, now() * 1000);
    const id = await enqueueAlone(writer, message, name);
    return { delivery: id === undefined ? null : await findDelivery(readerOf(writer), id), userErrors: [] };
  }

  @Mutation(() => DeliveryPayload, { description: 'Sends a finished message again, with the same key.' })
  async redeliver(
    @Args('id', { type: () => ID }) id: string,
    @Context() context: GraphqlContext,
  ): Promise<DeliveryPayload> {
    const writer = writerOf(context);
    const done = await redeliver(writer, id);
    const delivery = await findDelivery(readerOf(writer), id);
    if (!delivery) return failed(userError('NOT_FOUND', 'id', `there is no delivery '${id}'`));
    if (!done)
      return failed(userError('CONFLICT', 'id', 'it waits to be sent anyway, or its receiver is switched off'));
    return { delivery, userErrors: [] };
  }
}
