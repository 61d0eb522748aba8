import { Inject } from '@nestjs/common';
import { Args, Query, Resolver } from '@nestjs/graphql';
import {
  FINDING_SORT,
  findingCountStatement,
  findingSortKey,
  findingsStatement,
  readCount,
  readFindings,
  type Reader,
} from '@whydrop/storage';
import { API_OPTIONS, READER, type ApiOptions } from '../../options.js';
import { checkFilterSize, timeRangeOf } from '../filters.js';
import { connection, listCost, PageArgs, pageRequest, type Connection } from '../page/connection.js';
import { Cursors } from '../page/cursor.js';
import { ReconciliationFilter } from './reconciliation.filter.js';
import { ReconciliationFinding, ReconciliationFindingConnection } from './reconciliation.type.js';
import { findingOf } from './reconciliation.view.js';

@Resolver(() => ReconciliationFinding)
export class ReconciliationResolver {
  constructor(
    @Inject(READER) private readonly reader: Reader,
    @Inject(API_OPTIONS) private readonly options: ApiOptions,
  ) {}

  @Query(() => ReconciliationFindingConnection, {
    complexity: listCost,
    description: 'Where nodes do not run what was written, the newest first.',
  })
  reconciliationFindings(
    @Args('filter', { type: () => ReconciliationFilter }) filter: ReconciliationFilter,
    @Args() page: PageArgs,
  ): Promise<Connection<ReconciliationFinding>> {
    return this.list(this.reader, filter, page);
  }

  /** One page of findings, as this reader reads them. */
  async list(reader: Reader, filter: ReconciliationFilter, page: PageArgs): Promise<Connection<ReconciliationFinding>> {
    checkFilterSize(filter);
    const { timeRange, ...condition } = filter;
    const range = timeRangeOf(timeRange, (this.options.now ?? Date.now)());
    const cursors = new Cursors(FINDING_SORT, 'reconciliationFindings', filter);
    const request = pageRequest(page, cursors, true);
    const rows = await readFindings(reader, findingsStatement(range, condition, request));
    const count = () => readCount(reader, findingCountStatement(range, condition));
    return connection(rows, request, (row) => cursors.write(findingSortKey(row)), findingOf, count);
  }
}
