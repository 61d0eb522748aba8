import { Inject } from '@nestjs/common';
import { Args, Query, Resolver } from '@nestjs/graphql';
import {
  FLOW_SORT,
  flowCountStatement,
  flowSortKey,
  flowsStatement,
  readCount,
  readFlows,
  type Reader,
} from '@whydrop/storage';
import { API_OPTIONS, READER, type ApiOptions } from '../../options.js';
import { checkFilterSize, timeRangeOf } from '../filters.js';
import { connection, listCost, PageArgs, pageRequest, type Connection } from '../page/connection.js';
import { Cursors } from '../page/cursor.js';
import { FlowFilter } from './flow.filter.js';
import { Flow, FlowConnection } from './flow.type.js';

@Resolver(() => Flow)
export class FlowResolver {
  constructor(
    @Inject(READER) private readonly reader: Reader,
    @Inject(API_OPTIONS) private readonly options: ApiOptions,
  ) {}

  @Query(() => FlowConnection, { complexity: listCost, description: 'Flow records, the newest first.' })
  async flows(
    @Args('filter', { type: () => FlowFilter }) filter: FlowFilter,
    @Args() page: PageArgs,
  ): Promise<Connection<Flow>> {
    checkFilterSize(filter);
    const { timeRange, ...condition } = filter;
    const range = timeRangeOf(timeRange, (this.options.now ?? Date.now)());
    const cursors = new Cursors(FLOW_SORT, 'flows', filter);
    const request = pageRequest(page, cursors, true);
    const rows = await readFlows(this.reader, flowsStatement(range, condition, request));
    const count = () => readCount(this.reader, flowCountStatement(range, condition));
    return connection(
      rows,
      request,
      (row) => cursors.write(flowSortKey(row)),
      (row): Flow => row,
      count,
    );
  }
}
