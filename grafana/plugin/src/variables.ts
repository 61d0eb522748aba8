import { CustomVariableSupport, type DataQueryRequest, type DataQueryResponse } from '@grafana/data';
import type { DataQuery } from '@grafana/schema';
import { map, type Observable } from 'rxjs';
import { VariableEditor } from './components/VariableEditor';
import type { WhydropDataSource } from './datasource';
import type { Dimension } from './types';

/** A dashboard variable: the values that a dimension has had in the dashboard's time. */
export interface VariableQuery extends DataQuery {
  readonly values: Dimension;
}

export class WhydropVariables extends CustomVariableSupport<WhydropDataSource, VariableQuery> {
  readonly editor = VariableEditor;

  constructor(private readonly source: WhydropDataSource) {
    super();
  }

  override getDefaultQuery(): Partial<VariableQuery> {
    return { values: 'NAMESPACE' };
  }

  override query({ targets, range }: DataQueryRequest<VariableQuery>): Observable<DataQueryResponse> {
    return this.source.valuesOf(targets[0]?.values ?? 'NAMESPACE', range).pipe(map((data) => ({ data })));
  }
}
