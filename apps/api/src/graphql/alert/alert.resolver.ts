import { Inject } from '@nestjs/common';
import { Args, ID, Query, Resolver } from '@nestjs/graphql';
import {
  ALERT_SORT,
  alertByIdStatement,
  alertCountStatement,
  type AlertRow,
  alertSortKey,
  alertsStatement,
  readAlerts,
  readCount,
  type Reader,
} from '@whydrop/storage';
import { API_OPTIONS, READER, type ApiOptions } from '../../options.js';
import { connection, listCost, PageArgs, pageRequest, type Connection } from '../page/connection.js';
import { Cursors } from '../page/cursor.js';
import { AlertFilter, alertQueryOf } from './alert.filter.js';
import { Alert, AlertConnection } from './alert.type.js';

/** A row as the API shows it. */
export function alertOf({ message, ruleName: rule, ruleKind: kind, ...row }: AlertRow): Alert {
  const { summary, sentence, cause, policies, topSources, topDestinations, trend, changes, path } = message;
  const labels = Object.entries(message.labels).map(([name, value]) => ({ name, value }));
  return {
    ...row,
    rule,
    kind,
    labels,
    summary,
    sentence,
    cause,
    policies,
    topSources,
    topDestinations,
    trend,
    changes,
    path,
  };
}

@Resolver(() => Alert)
export class AlertResolver {
  constructor(
    @Inject(READER) private readonly reader: Reader,
    @Inject(API_OPTIONS) private readonly options: ApiOptions,
  ) {}

  @Query(() => AlertConnection, { complexity: listCost, description: 'Alerts, those that began last first.' })
  async alerts(
    @Args('filter', { type: () => AlertFilter, defaultValue: {} }) filter: AlertFilter,
    @Args() page: PageArgs,
  ): Promise<Connection<Alert>> {
    const query = alertQueryOf(filter, (this.options.now ?? Date.now)());
    const cursors = new Cursors(ALERT_SORT, 'alerts', filter);
    const request = pageRequest(page, cursors, true);
    const rows = await readAlerts(this.reader, alertsStatement(query, request));
    const count = () => readCount(this.reader, alertCountStatement(query));
    return connection(rows, request, (row) => cursors.write(alertSortKey(row)), alertOf, count);
  }

  @Query(() => Alert, { nullable: true, description: 'By its id.' })
  async alert(@Args('id', { type: () => ID }) id: string): Promise<Alert | null> {
    const [row] = await readAlerts(this.reader, alertByIdStatement(id));
    return row ? alertOf(row) : null;
  }
}
