import {
  type AnnotationSupport,
  type DataFrame,
  type DataQueryRequest,
  type DataQueryResponse,
  DataSourceApi,
  type DataSourceInstanceSettings,
  type MetricFindValue,
  type ScopedVars,
  type TestDataSourceResponse,
  type TimeRange,
} from '@grafana/data';
import { getTemplateSrv } from '@grafana/runtime';
import { catchError, firstValueFrom, forkJoin, map, type Observable, of } from 'rxjs';
import { ask } from './client';
import type { PageUrl } from './frames/links';
import type { HealthAnswer, TopAnswer } from './query/answers';
import { conditionOf } from './query/condition';
import { withDefaults } from './query/defaults';
import { HEALTH, TOP } from './query/documents';
import { interpolate } from './query/interpolate';
import { type Ask, run, timeRangeOf } from './query/run';
import type { Dimension, WhydropOptions, WhydropQuery } from './types';
import { WhydropVariables } from './variables';

export class WhydropDataSource extends DataSourceApi<WhydropQuery, WhydropOptions> {
  /** Below Grafana: its data proxy adds the token. */
  private readonly proxyUrl: string;
  private readonly page: PageUrl;
  override readonly annotations: AnnotationSupport<WhydropQuery> = { getDefaultQuery: () => ({ kind: 'alerts' }) };

  constructor(settings: DataSourceInstanceSettings<WhydropOptions>) {
    super(settings);
    const { pageUrl, url } = settings.jsonData;
    this.proxyUrl = settings.url ?? '';
    this.page = (pageUrl || url || '').replace(/\/+$/, '');
    this.variables = new WhydropVariables(this);
  }

  override getDefaultQuery(): Partial<WhydropQuery> {
    return { kind: 'trend', groupBy: ['NAMESPACE'], measure: 'DROPS' };
  }

  override filterQuery(query: WhydropQuery): boolean {
    return query.hide !== true;
  }

  /** Every query on its own: one that fails leaves the others their answers. */
  override query(request: DataQueryRequest<WhydropQuery>): Observable<DataQueryResponse> {
    const answers = request.targets.filter((target) => this.filterQuery(target)).map((one) => this.one(one, request));
    if (answers.length === 0) return of({ data: [] });
    return forkJoin(answers).pipe(map(joined));
  }

  private one(target: WhydropQuery, request: DataQueryRequest<WhydropQuery>): Observable<DataQueryResponse> {
    const { range, maxDataPoints, scopedVars } = request;
    const query = withDefaults(this.filled(target, scopedVars));
    const condition = conditionOf(query.where, (texts) => texts && [...texts]);
    return run({ query, condition, range, maxDataPoints, page: this.page }, this.ask).pipe(
      map((data) => ({ data })),
      catchError((error: unknown) => of({ data: [], errors: [{ refId: target.refId, message: messageOf(error) }] })),
    );
  }

  private readonly ask: Ask = <T>(document: string, variables: object) => ask<T>(this.proxyUrl, document, variables);

  /** The query without dashboard variables. */
  private filled(query: WhydropQuery, scoped?: ScopedVars): WhydropQuery {
    const templates = getTemplateSrv();
    const where = Object.fromEntries(
      Object.entries(query.where ?? {}).flatMap(([name, texts]) => {
        const values = interpolate(texts, templates, scoped);
        return values ? [[name, values]] : [];
      }),
    );
    return { ...query, where, ...(query.step ? { step: templates.replace(query.step, scoped) } : {}) };
  }

  /** For Explore, opened from a panel of a dashboard. */
  override interpolateVariablesInQueries(queries: WhydropQuery[], scoped: ScopedVars): WhydropQuery[] {
    return queries.map((query) => this.filled(query, scoped));
  }

  /** The values a dimension has had in the time, those with most packets first; the API gives no more than 100. */
  valuesOf(by: Dimension, range: TimeRange, first = 100): Observable<MetricFindValue[]> {
    const variables = { timeRange: timeRangeOf(range), by, first };
    return this.ask<TopAnswer>(TOP, variables).pipe(
      map(({ top }) => top.filter(({ key }) => key !== '').map(({ key }) => ({ text: key, value: key }))),
    );
  }

  override async testDatasource(): Promise<TestDataSourceResponse> {
    try {
      const { clusters } = await firstValueFrom(this.ask<HealthAnswer>(HEALTH, {}));
      const drops = clusters.reduce((sum, cluster) => sum + cluster.drops, 0);
      const seen = `${drops} blocked connections in ${clusters.length} clusters in the last 7 days`;
      return { status: 'success', message: `Whydrop answers: ${seen}` };
    } catch (error) {
      return { status: 'error', message: messageOf(error) };
    }
  }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

function joined(answers: readonly DataQueryResponse[]): DataQueryResponse {
  const errors = answers.flatMap((answer) => answer.errors ?? []);
  const data: DataFrame[] = answers.flatMap((answer) => answer.data as DataFrame[]);
  return errors.length > 0 ? { data, errors } : { data };
}
