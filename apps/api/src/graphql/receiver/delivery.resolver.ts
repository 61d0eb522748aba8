import { Inject } from '@nestjs/common';
import { Args, Context, ID, Parent, Query, ResolveField, Resolver } from '@nestjs/graphql';
import {
  deliveriesStatement,
  DELIVERY_SORT,
  type DeliveryQuery,
  deliveryByIdStatement,
  deliveryCountStatement,
  deliverySortKey,
  readCount,
  readDeliveries,
  type Reader,
} from '@whydrop/storage';
import { API_OPTIONS, READER, type ApiOptions } from '../../options.js';
import type { GraphqlContext } from '../context.js';
import { checkFilterSize, timeRangeOf } from '../filters.js';
import { isOperator } from '../mutation/is-operator.js';
import { connection, listCost, PageArgs, pageRequest, type Connection } from '../page/connection.js';
import { Cursors } from '../page/cursor.js';
import { Delivery, DeliveryAttempt, DeliveryConnection, DeliveryFilter } from './delivery.type.js';

/** A delivery by its id; null when there is none, or the id is none. */
export async function findDelivery(reader: Reader, id: string): Promise<Delivery | null> {
  if (!/^\d{1,18}$/.test(id)) return null;
  return (await readDeliveries(reader, deliveryByIdStatement(id)))[0] ?? null;
}

@Resolver(() => Delivery)
export class DeliveryResolver {
  constructor(
    @Inject(READER) private readonly reader: Reader,
    @Inject(API_OPTIONS) private readonly options: ApiOptions,
  ) {}

  private queryOf(filter: DeliveryFilter): DeliveryQuery {
    checkFilterSize(filter);
    const { timeRange, receiver, alertId, states, and, or, not } = filter;
    const short = {
      receiver: { eq: receiver ?? null },
      alertId: { eq: alertId ?? null },
      state: { in: states ?? null },
    };
    return {
      range: timeRange ? timeRangeOf(timeRange, (this.options.now ?? Date.now)()) : undefined,
      condition: { and: [short, ...(and ?? [])], or: or ?? null, not: not ?? null },
    };
  }

  @Query(() => DeliveryConnection, { complexity: listCost, description: 'What receivers were told, the newest first.' })
  async deliveries(
    @Args('filter', { type: () => DeliveryFilter, defaultValue: {} }) filter: DeliveryFilter,
    @Args() page: PageArgs,
  ): Promise<Connection<Delivery>> {
    const query = this.queryOf(filter);
    const cursors = new Cursors(DELIVERY_SORT, 'deliveries', filter);
    const request = pageRequest(page, cursors, true);
    const rows = await readDeliveries(this.reader, deliveriesStatement(query, request));
    return connection(
      rows,
      request,
      (row) => cursors.write(deliverySortKey(row)),
      (row): Delivery => row,
      () => readCount(this.reader, deliveryCountStatement(query)),
    );
  }

  @Query(() => Delivery, { nullable: true })
  delivery(@Args('id', { type: () => ID }) id: string): Promise<Delivery | null> {
    return findDelivery(this.reader, id);
  }

  @ResolveField(() => [DeliveryAttempt], {
    complexity: ({ childComplexity }) => 5 * childComplexity,
    description: 'Its last tries, up to 50, the oldest first.',
  })
  async log(@Parent() { id }: Delivery, @Context() context: GraphqlContext): Promise<readonly DeliveryAttempt[]> {
    const tries = await context.loaders.deliveryAttempts.load(id);
    return isOperator(context) ? tries : tries.map((each) => ({ ...each, response: null }));
  }
}
