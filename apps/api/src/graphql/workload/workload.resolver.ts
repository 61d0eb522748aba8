import { Inject } from '@nestjs/common';
import { Args, Context, Parent, Query, ResolveField, Resolver } from '@nestjs/graphql';
import {
  readCount,
  readWorkloads,
  WORKLOAD_SORT,
  workloadCountStatement,
  workloadsStatement,
  type Reader,
} from '@whydrop/storage';
import { API_OPTIONS, READER, type ApiOptions } from '../../options.js';
import type { GraphqlContext } from '../context.js';
import { DropGroupResolver } from '../drop-group/drop-group.resolver.js';
import { type DropGroup, DropGroupConnection } from '../drop-group/drop-group.type.js';
import { checkFilterSize, TimeRangeInput, timeRangeOf } from '../filters.js';
import { connection, innerListCost, listCost, PageArgs, pageRequest, type Connection } from '../page/connection.js';
import { Cursors } from '../page/cursor.js';
import { BlockedWorkload, BlockedWorkloadConnection, WorkloadFilter } from './workload.type.js';
import { workloadOf } from './workload.view.js';

@Resolver(() => BlockedWorkload)
export class WorkloadResolver {
  constructor(
    @Inject(READER) private readonly reader: Reader,
    @Inject(API_OPTIONS) private readonly options: ApiOptions,
    @Inject(DropGroupResolver) private readonly groupLists: DropGroupResolver,
  ) {}

  @Query(() => BlockedWorkloadConnection, {
    complexity: listCost,
    description: 'Workloads that were blocked, or that others were blocked from, by cluster, kind, namespace and name.',
  })
  async workloads(
    @Args('filter', { type: () => WorkloadFilter }) filter: WorkloadFilter,
    @Args() page: PageArgs,
  ): Promise<Connection<BlockedWorkload>> {
    checkFilterSize(filter);
    const { timeRange, ...condition } = filter;
    const range = timeRangeOf(timeRange, (this.options.now ?? Date.now)());
    const cursors = new Cursors(WORKLOAD_SORT, 'workloads', filter);
    const request = pageRequest(page, cursors, false);
    const rows = await readWorkloads(this.reader, workloadsStatement(range, condition, request));
    const count = () => readCount(this.reader, workloadCountStatement(range, condition));
    return connection(rows, request, (row) => cursors.write([row.key]), workloadOf, count);
  }

  @ResolveField(() => DropGroupConnection, { complexity: innerListCost, description: 'Whom it could not reach.' })
  blockedTo(
    @Parent() workload: BlockedWorkload,
    @Args('timeRange') timeRange: TimeRangeInput,
    @Args() page: PageArgs,
    @Context() { loaders }: GraphqlContext,
  ): Promise<Connection<DropGroup>> {
    const { cluster, namespace, name } = workload;
    // Of the namespace first: groups are found by it
    const end = { sourceNamespace: { eq: namespace ?? '' }, sourceWorkload: { eq: `${namespace ?? ''}/${name}` } };
    return this.groupLists.list(loaders.together, { timeRange, cluster: { eq: cluster }, ...end }, page, null, true);
  }

  @ResolveField(() => DropGroupConnection, { complexity: innerListCost, description: 'Who could not reach it.' })
  blockedFrom(
    @Parent() workload: BlockedWorkload,
    @Args('timeRange') timeRange: TimeRangeInput,
    @Args() page: PageArgs,
    @Context() { loaders }: GraphqlContext,
  ): Promise<Connection<DropGroup>> {
    const { cluster, namespace, name } = workload;
    // Of the namespace first: groups are found by it
    const end = {
      destinationNamespace: { eq: namespace ?? '' },
      destinationWorkload: { eq: `${namespace ?? ''}/${name}` },
    };
    return this.groupLists.list(loaders.together, { timeRange, cluster: { eq: cluster }, ...end }, page, null, true);
  }
}
