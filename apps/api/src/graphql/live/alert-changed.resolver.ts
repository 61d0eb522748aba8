import { Inject } from '@nestjs/common';
import { Args, Context, Resolver, Subscription } from '@nestjs/graphql';
import { alertsStatement, readAlerts, type Reader } from '@whydrop/storage';
import { asAsked } from '../../auth/asking.js';
import { API_OPTIONS, READER, type ApiOptions } from '../../options.js';
import { AlertFilter, alertQueryOf } from '../alert/alert.filter.js';
import { alertOf } from '../alert/alert.resolver.js';
import type { Alert } from '../alert/alert.type.js';
import type { GraphqlContext } from '../context.js';
import { LiveService } from './live.service.js';
import { AlertChanged, laggedBy, type Lagged, UNKNOWN } from './live.type.js';

interface Answer {
  readonly alertChanged: Alert | Lagged;
}

const NOW = { descending: false, after: undefined };

@Resolver(() => AlertChanged)
export class AlertChangedResolver {
  constructor(
    @Inject(READER) private readonly reader: Reader,
    @Inject(API_OPTIONS) private readonly options: ApiOptions,
    @Inject(LiveService) private readonly live: LiveService,
  ) {}

  @Subscription(() => AlertChanged, {
    description:
      'Alerts as they begin to fire, change and are resolved: what they are now, once for changes that follow close.',
  })
  alertChanged(
    @Args('filter', { type: () => AlertFilter, defaultValue: {} }) filter: AlertFilter,
    @Context() { principal }: GraphqlContext,
  ): Promise<AsyncIterableIterator<Answer>> {
    const query = alertQueryOf(filter, (this.options.now ?? Date.now)());
    const read = asAsked(async (ids: readonly string[]) => {
      const rows = await readAlerts(this.reader, alertsStatement({ ...query, ids }, { ...NOW, first: ids.length }));
      return rows.map((row) => ({ alertChanged: alertOf(row) }));
    });
    return this.live.open<Answer>('alert', {
      read,
      lagged: (missed) => ({ alertChanged: laggedBy(principal.namespaces ? UNKNOWN : missed) }),
    });
  }
}
