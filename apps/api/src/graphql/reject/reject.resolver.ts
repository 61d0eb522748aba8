import { Inject } from '@nestjs/common';
import { Args, Query, Resolver } from '@nestjs/graphql';
import {
  readCount,
  readRejects,
  REJECT_SORT,
  rejectCountStatement,
  rejectSortKey,
  rejectsStatement,
  type Reader,
} from '@whydrop/storage';
import { API_OPTIONS, READER, type ApiOptions } from '../../options.js';
import { checkFilterSize, timeRangeOf } from '../filters.js';
import { connection, listCost, PageArgs, pageRequest, type Connection } from '../page/connection.js';
import { Cursors } from '../page/cursor.js';
import { RejectFilter } from './reject.filter.js';
import { Reject, RejectConnection } from './reject.type.js';

@Resolver(() => Reject)
export class RejectResolver {
  constructor(
    @Inject(READER) private readonly reader: Reader,
    @Inject(API_OPTIONS) private readonly options: ApiOptions,
  ) {}

  @Query(() => RejectConnection, { complexity: listCost, description: 'Records nobody understood, the newest first.' })
  async rejects(
    @Args('filter', { type: () => RejectFilter }) filter: RejectFilter,
    @Args() page: PageArgs,
  ): Promise<Connection<Reject>> {
    checkFilterSize(filter);
    const { timeRange, ...condition } = filter;
    const range = timeRangeOf(timeRange, (this.options.now ?? Date.now)());
    const cursors = new Cursors(REJECT_SORT, 'rejects', filter);
    const request = pageRequest(page, cursors, true);
    const rows = await readRejects(this.reader, rejectsStatement(range, condition, request));
    const count = () => readCount(this.reader, rejectCountStatement(range, condition));
    return connection(
      rows,
      request,
      (row) => cursors.write(rejectSortKey(row)),
      (row): Reject => row,
      count,
    );
  }
}
