import { Inject } from '@nestjs/common';
import { Args, Context, Query, Resolver } from '@nestjs/graphql';
import { findReceiver, listReceivers } from '@whydrop/storage';
import { API_OPTIONS, type ApiOptions } from '../../options.js';
import type { GraphqlContext } from '../context.js';
import { isOperator } from '../mutation/is-operator.js';
import { Receiver, receiverOf } from './receiver.type.js';

@Resolver(() => Receiver)
export class ReceiverResolver {
  constructor(@Inject(API_OPTIONS) private readonly options: ApiOptions) {}

  @Query(() => [Receiver], {
    complexity: ({ childComplexity }) => 500 + 10 * childComplexity,
    description: 'Where alerts are told, by name.',
  })
  async receivers(@Context() context: GraphqlContext): Promise<readonly Receiver[]> {
    const rows = await listReceivers(this.options.database);
    return rows.map((row) => receiverOf(row, isOperator(context)));
  }

  @Query(() => Receiver, { nullable: true })
  async receiver(@Args('name') name: string, @Context() context: GraphqlContext): Promise<Receiver | null> {
    const row = await findReceiver(this.options.database, name);
    return row ? receiverOf(row, isOperator(context)) : null;
  }
}
