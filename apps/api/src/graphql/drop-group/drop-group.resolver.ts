import { Inject } from '@nestjs/common';
import { Args, Context, ID, Parent, Query, ResolveField, Resolver } from '@nestjs/graphql';
import {
  fewGroupsStatement,
  GROUP_SORTS,
  groupCountStatement,
  groupSortKey,
  groupsStatement,
  readCount,
  readGroups,
  type Reader,
} from '@whydrop/storage';
import { API_OPTIONS, READER, type ApiOptions } from '../../options.js';
import type { GraphqlContext } from '../context.js';
import { withDefaultVerdicts } from '../drop/drop.filter.js';
import { Drop } from '../drop/drop.type.js';
import { dropOf } from '../drop/drop.view.js';
import { Explanation } from '../explanation/explanation.type.js';
import { checkFilterSize, timeRangeOf } from '../filters.js';
import { connection, listCost, PageArgs, pageRequest, type Connection } from '../page/connection.js';
import { Cursors } from '../page/cursor.js';
import { keyOf } from '../page/global-id.js';
import { notFound } from '../server/graphql-error.js';
import { toldTo } from '../explanation/told-to.js';
import { DropGroupFilter, DropGroupOrder } from './drop-group.filter.js';
import { DropGroup, DropGroupConnection } from './drop-group.type.js';
import { dropGroupOf } from './drop-group.view.js';

@Resolver(() => DropGroup)
export class DropGroupResolver {
  constructor(
    @Inject(READER) private readonly reader: Reader,
    @Inject(API_OPTIONS) private readonly options: ApiOptions,
  ) {}

  @Query(() => DropGroupConnection, {
    complexity: listCost,
    description: 'Drops that are alike, folded; the last seen first.',
  })
  dropGroups(
    @Args('filter', { type: () => DropGroupFilter }) filter: DropGroupFilter,
    @Args() page: PageArgs,
    @Args('orderBy', { type: () => DropGroupOrder, nullable: true }) orderBy?: DropGroupOrder | null,
  ): Promise<Connection<DropGroup>> {
    return this.list(this.reader, filter, page, orderBy);
  }

  /** One page of groups, as this reader reads them; `few`: of a condition that leaves few of them. */
  async list(
    reader: Reader,
    filter: DropGroupFilter,
    page: PageArgs,
    orderBy?: DropGroupOrder | null,
    few = false,
  ): Promise<Connection<DropGroup>> {
    checkFilterSize(filter);
    const { timeRange, ...condition } = filter;
    const range = timeRangeOf(timeRange, (this.options.now ?? Date.now)());
    const wanted = withDefaultVerdicts(condition);
    const { field: sort = 'lastSeenAt', direction = 'DESC' } = orderBy ?? {};
    const cursors = new Cursors(GROUP_SORTS[sort], 'dropGroups', filter, sort, direction);
    const request = pageRequest(page, cursors, direction === 'DESC');
    const statementOf = few ? fewGroupsStatement : groupsStatement;
    const rows = await readGroups(reader, statementOf(range, wanted, sort, request));
    const count = () => readCount(reader, groupCountStatement(range, wanted));
    return connection(rows, request, (row) => cursors.write(groupSortKey(row, sort)), dropGroupOf, count);
  }

  @Query(() => DropGroup, { nullable: true, description: 'By its id or its key.' })
  async dropGroup(@Args('id', { type: () => ID }) id: string, @Context() context: GraphqlContext): Promise<DropGroup> {
    const row = await context.loaders.dropGroup.load(keyOf('DropGroup', id));
    if (!row) throw notFound('drop group with this id');
    return dropGroupOf(row);
  }

  @ResolveField(() => Explanation)
  async explanation(@Parent() group: DropGroup, @Context() context: GraphqlContext): Promise<Explanation> {
    const found = await context.loaders.explanation.load(group.explanationId);
    if (!found) throw new Error(`explanation ${group.explanationId} of group ${group.key} is not stored`);
    return toldTo(context.principal, found, group);
  }

  @ResolveField(() => Drop, { nullable: true, description: 'Null when its drops were older than what is kept.' })
  async latestDrop(@Parent() group: DropGroup, @Context() context: GraphqlContext): Promise<Drop | null> {
    const row = await context.loaders.latestDrop.load(group.key);
    return row ? dropOf(row) : null;
  }

  @ResolveField(() => String, { nullable: true, description: 'The sentence of the latest drop.' })
  async sentence(@Parent() group: DropGroup, @Context() context: GraphqlContext): Promise<string | null> {
    const row = await context.loaders.latestDrop.load(group.key);
    return row?.detail.sentence ?? null;
  }
}
