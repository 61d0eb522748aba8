import { getBackendSrv, type FetchError } from '@grafana/runtime';
import { catchError, map, type Observable, throwError } from 'rxjs';

/** The address of the route in plugin.json, below Grafana's data proxy. */
const ROUTE = '/gql/graphql';

interface Answer<T> {
  readonly data?: T | null;
  readonly errors?: readonly { readonly message: string; readonly extensions?: { readonly code?: string } }[];
}

/** What Whydrop said of a query that it did not answer. */
export class WhydropError extends Error {
  constructor(
    message: string,
    readonly code: string,
  ) {
    super(message);
    this.name = 'WhydropError';
  }
}

const STATUS: Readonly<Record<number, string>> = {
  400: 'Whydrop did not understand the query',
  401: 'Whydrop refuses the token: create one with "whydrop token create --name grafana --role viewer"',
  403: 'the token may not read this',
  404: 'there is no GraphQL API at the address of Whydrop',
  429: 'Whydrop is asked too often',
  502: 'Grafana does not reach Whydrop at its address',
  504: 'Whydrop did not answer in time',
};

function isFetchError(error: unknown): error is FetchError<Answer<unknown> | undefined> {
  return typeof error === 'object' && error !== null && 'status' in error;
}

function firstError(answer: unknown): WhydropError | undefined {
  const [error] = (answer as Answer<unknown> | undefined)?.errors ?? [];
  return error && new WhydropError(error.message, error.extensions?.code ?? 'UNKNOWN');
}

function errorOf(error: unknown): unknown {
  if (!isFetchError(error)) return error;
  const said = firstError(error.data);
  if (said && error.status !== 401) return said;
  const text = STATUS[error.status] ?? `Whydrop cannot be asked: ${error.statusText ?? ''} (${error.status})`;
  return new WhydropError(text, `HTTP_${error.status}`);
}

function dataOf<T>(answer: Answer<T> | undefined): T {
  const failed = firstError(answer);
  if (failed) throw failed;
  if (!answer?.data) throw new WhydropError('the answer is not that of a GraphQL API', 'NO_GRAPHQL');
  return answer.data;
}

/** Asks through Grafana's data proxy, which adds the token. Fails with WhydropError; unsubscribing cancels the request. */
export function ask<T>(proxyUrl: string, query: string, variables: object): Observable<T> {
  const request = { url: proxyUrl + ROUTE, method: 'POST', data: { query, variables }, showErrorAlert: false };
  return getBackendSrv()
    .fetch<Answer<T>>(request)
    .pipe(
      catchError((error: unknown) => throwError(() => errorOf(error))),
      map(({ data }) => dataOf<T>(data)),
    );
}
