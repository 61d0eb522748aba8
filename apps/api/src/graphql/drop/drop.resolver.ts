import { Inject } from '@nestjs/common';
import { Args, Context, ID, Info, Parent, Query, ResolveField, Resolver } from '@nestjs/graphql';
import {
  DROP_SORT,
  dropCountStatement,
  dropsByGroupStatement,
  dropSortKey,
  dropsStatement,
  readCount,
  readDrops,
  type Reader,
} from '@whydrop/storage';
import type { Basis } from '@whydrop/model';
import type { GraphQLResolveInfo } from 'graphql';
import { API_OPTIONS, READER, type ApiOptions } from '../../options.js';
import type { GraphqlContext } from '../context.js';
import { BasisEnum } from '../enums.js';
import { DropGroup } from '../drop-group/drop-group.type.js';
import { dropGroupOf } from '../drop-group/drop-group.view.js';
import { Change } from '../explanation/change.type.js';
import { changeView } from '../explanation/change.view.js';
import { Explanation } from '../explanation/explanation.type.js';
import { checkFilterSize, timeRangeOf } from '../filters.js';
import { connection, listCost, PageArgs, pageRequest, type Connection } from '../page/connection.js';
import { Cursors } from '../page/cursor.js';
import { keyOf } from '../page/global-id.js';
import { asksFor } from '../server/asks-for.js';
import { notFound } from '../server/graphql-error.js';
import { toldTo } from '../explanation/told-to.js';
import { DropFilter, DropOrder, withDefaultVerdicts } from './drop.filter.js';
import { Drop, DropConnection } from './drop.type.js';
import { dropOf } from './drop.view.js';

@Resolver(() => Drop)
export class DropResolver {
  constructor(
    @Inject(READER) private readonly reader: Reader,
    @Inject(API_OPTIONS) private readonly options: ApiOptions,
  ) {}

  @Query(() => DropConnection, { complexity: listCost, description: 'Blocked connections, the newest first.' })
  drops(
    @Args('filter', { type: () => DropFilter }) filter: DropFilter,
    @Args() page: PageArgs,
    @Info() info: GraphQLResolveInfo,
    @Args('orderBy', { type: () => DropOrder, nullable: true }) orderBy?: DropOrder | null,
  ): Promise<Connection<Drop>> {
    return this.list(this.reader, filter, page, info, orderBy);
  }

  /** One page of drops, as this reader reads them; `few`: of a condition on groups that leaves few of them. */
  async list(
    reader: Reader,
    filter: DropFilter,
    page: PageArgs,
    info: GraphQLResolveInfo,
    orderBy?: DropOrder | null,
    few = false,
  ): Promise<Connection<Drop>> {
    checkFilterSize(filter);
    const { timeRange, ...condition } = filter;
    const range = timeRangeOf(timeRange, (this.options.now ?? Date.now)());
    const wanted = withDefaultVerdicts(condition);
    const descending = orderBy?.direction !== 'ASC';
    const cursors = new Cursors(DROP_SORT, 'drops', filter, descending);
    const request = pageRequest(page, cursors, descending);
    const statementOf = few ? dropsByGroupStatement : dropsStatement;
    const rows = await readDrops(reader, statementOf(range, wanted, request, asksFor(info, 'evidence')));
    const count = () => readCount(reader, dropCountStatement(range, wanted));
    return connection(rows, request, (row) => cursors.write(dropSortKey(row)), dropOf, count);
  }

  @Query(() => Drop, { nullable: true, description: 'By its id or its key.' })
  async drop(@Args('id', { type: () => ID }) id: string, @Context() context: GraphqlContext): Promise<Drop> {
    const row = await context.loaders.drop.load(keyOf('Drop', id));
    if (!row) throw notFound('drop with this id');
    return dropOf(row);
  }

  @ResolveField(() => Explanation)
  async explanation(@Parent() drop: Drop, @Context() context: GraphqlContext): Promise<Explanation> {
    const found = await context.loaders.explanation.load(drop.explanationId);
    if (!found) throw new Error(`explanation ${drop.explanationId} of drop ${drop.key} is not stored`);
    return toldTo(context.principal, found, drop);
  }

  @ResolveField(() => BasisEnum)
  async basis(@Parent() drop: Drop, @Context() context: GraphqlContext): Promise<Basis> {
    return (await this.explanation(drop, context)).basis;
  }

  @ResolveField(() => [Change], {
    description: 'What changed in the cluster just before the first drop of its group, the latest first.',
  })
  async changes(@Parent() drop: Drop, @Context() context: GraphqlContext): Promise<readonly Change[]> {
    return (await this.group(drop, context)).changes;
  }

  @ResolveField(() => [Change], {
    description:
      'Which of the policies and pods it names are gone or others now. The explanation stays as it was then.',
  })
  async changedSince(@Parent() drop: Drop, @Context() context: GraphqlContext): Promise<readonly Change[]> {
    const found = await context.loaders.changedSince.load(drop.key);
    return found.map(changeView);
  }

  @ResolveField(() => DropGroup)
  async group(@Parent() drop: Drop, @Context() context: GraphqlContext): Promise<DropGroup> {
    const row = await context.loaders.dropGroup.load(drop.groupId);
    if (!row) throw new Error(`group ${drop.groupId} of drop ${drop.key} is not stored`);
    return dropGroupOf(row);
  }
}
