import { Inject } from '@nestjs/common';
import { Args, Int, Query, Resolver } from '@nestjs/graphql';
import {
  CONSERVATION_SORT,
  type ConservationBy,
  conservationCountStatement,
  conservationSortKey,
  conservationStatement,
  conservationTotalsStatement,
  readConservation,
  readConservationTotals,
  readCount,
  type Reader,
} from '@whydrop/storage';
import { API_OPTIONS, READER, type ApiOptions } from '../../options.js';
import { checkFilterSize, timeRangeOf } from '../filters.js';
import { connection, listCost, MAX_FIRST, PageArgs, pageRequest, type Connection } from '../page/connection.js';
import { Cursors } from '../page/cursor.js';
import { badInput } from '../server/graphql-error.js';
import { ConservationFilter } from './conservation.filter.js';
import { ConservationByEnum, ConservationTotal, CounterWindow, CounterWindowConnection } from './conservation.type.js';
import { conservationTotalOf, counterWindowOf } from './conservation.view.js';

@Resolver(() => CounterWindow)
export class ConservationResolver {
  constructor(
    @Inject(READER) private readonly reader: Reader,
    @Inject(API_OPTIONS) private readonly options: ApiOptions,
  ) {}

  @Query(() => CounterWindowConnection, {
    complexity: listCost,
    description:
      'What drop rules counted, window by window, divided into what is told and what is not; the newest first.',
  })
  async counterConservation(
    @Args('filter', { type: () => ConservationFilter }) filter: ConservationFilter,
    @Args() page: PageArgs,
  ): Promise<Connection<CounterWindow>> {
    checkFilterSize(filter);
    const { timeRange, ...condition } = filter;
    const range = timeRangeOf(timeRange, (this.options.now ?? Date.now)());
    const cursors = new Cursors(CONSERVATION_SORT, 'counterConservation', filter);
    const request = pageRequest(page, cursors, true);
    const rows = await readConservation(this.reader, conservationStatement(range, condition, request));
    const count = () => readCount(this.reader, conservationCountStatement(range, condition));
    return connection(rows, request, (row) => cursors.write(conservationSortKey(row)), counterWindowOf, count);
  }

  @Query(() => [ConservationTotal], {
    complexity: listCost,
    description: 'The same added up; what is told least of comes first.',
  })
  async counterConservationTotals(
    @Args('filter', { type: () => ConservationFilter }) filter: ConservationFilter,
    @Args('by', { type: () => ConservationByEnum, defaultValue: 'rule' }) by: ConservationBy,
    @Args('first', { type: () => Int, defaultValue: 100 }) first: number,
  ): Promise<ConservationTotal[]> {
    if (first < 1 || first > MAX_FIRST) throw badInput(`first: must be from 1 to ${MAX_FIRST}`);
    checkFilterSize(filter);
    const { timeRange, ...condition } = filter;
    const range = timeRangeOf(timeRange, (this.options.now ?? Date.now)());
    const statement = conservationTotalsStatement(range, condition, by, first);
    const rows = await readConservationTotals(this.reader, statement);
    return rows.map(conservationTotalOf);
  }
}
