import type { ScopedVars, TypedVariableModel } from '@grafana/data';
import {
  type BackendSrv,
  type BackendSrvRequest,
  type FetchResponse,
  setBackendSrv,
  setTemplateSrv,
  type TemplateSrv,
} from '@grafana/runtime';
import { Observable } from 'rxjs';

/** Chosen values of the dashboard's variables. */
export type Choices = Readonly<Record<string, readonly string[]>>;

/** Fails as Grafana's service does: with the answer itself, its status and its data. */
async function send(request: BackendSrvRequest, signal: AbortSignal): Promise<FetchResponse> {
  const { url, method = 'GET', data } = request;
  const body = data === undefined ? null : JSON.stringify(data);
  const response = await fetch(url, { method, body, signal, headers: { 'content-type': 'application/json' } });
  const answer: unknown = await response.json().catch(() => undefined);
  const { ok, status, statusText, headers, redirected, type } = response;
  const result = { ok, status, statusText, headers, redirected, type, url, data: answer, config: request };
  if (!ok) throw result;
  return result;
}

const backend = {
  fetch: (request: BackendSrvRequest) =>
    new Observable<FetchResponse>((subscriber) => {
      const abort = new AbortController();
      send(request, abort.signal).then(
        (answer) => {
          subscriber.next(answer);
          subscriber.complete();
        },
        (error: unknown) => subscriber.error(error),
      );
      return () => abort.abort();
    }),
};

/** Replaces `$name` and `${name}`; the formatter gets a list where several values are chosen. */
function templatesOf(choices: Choices) {
  const replace = (text = '', _scoped?: ScopedVars, format?: unknown) =>
    text.replace(/\$\{(\w+)\}|\$(\w+)/g, (whole: string, braced?: string, bare?: string) => {
      const values = choices[braced ?? bare ?? ''];
      if (!values) return whole;
      const value = values.length === 1 ? values[0] : values;
      return typeof format === 'function' ? String(format(value, {}, undefined)) : String(value);
    });
  const getVariables = () => Object.keys(choices).map((name) => ({ name }) as TypedVariableModel);
  return { replace, getVariables, containsTemplate: (text = '') => text.includes('$'), updateTimeRange: () => {} };
}

/** Grafana's services for the plugin; variables have these values. */
export function giveServices(choices: Choices): void {
  setBackendSrv(backend as unknown as BackendSrv);
  setTemplateSrv(templatesOf(choices) as unknown as TemplateSrv);
}
