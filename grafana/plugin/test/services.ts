import type { TypedVariableModel } from '@grafana/data';
import {
  type BackendSrv,
  type BackendSrvRequest,
  setBackendSrv,
  setTemplateSrv,
  type TemplateSrv,
} from '@grafana/runtime';
import { of, throwError } from 'rxjs';

/** Variables with chosen values: a formatter is given a list where there are several. */
export function templates(values: Readonly<Record<string, readonly string[]>>): TemplateSrv {
  const replace = (text = '', _scoped?: unknown, format?: unknown) =>
    text.replace(/\$(\w+)/g, (whole: string, name: string) => {
      const chosen = values[name];
      if (!chosen) return whole;
      const value = chosen.length === 1 ? chosen[0] : chosen;
      return typeof format === 'function' ? String(format(value)) : String(value);
    });
  const getVariables = () => Object.keys(values).map((name) => ({ name }) as TypedVariableModel);
  return { replace, getVariables, containsTemplate: () => false, updateTimeRange: () => {} } as unknown as TemplateSrv;
}

export interface Sent {
  readonly url: string;
  readonly method: string | undefined;
  readonly query: string;
  readonly variables: Record<string, unknown>;
}

/** Answers every request with `answer`, or fails with it where it has an HTTP status that is no success. */
export function giveAnswers(
  answer: (sent: Sent) => { readonly status: number; readonly data: unknown },
  values: Readonly<Record<string, readonly string[]>> = {},
): Sent[] {
  const sent: Sent[] = [];
  const fetch = ({ url, method, data }: BackendSrvRequest) => {
    const one = { url, method, ...(data as Pick<Sent, 'query' | 'variables'>) };
    sent.push(one);
    const response = answer(one);
    return response.status < 300 ? of(response) : throwError(() => response);
  };
  setBackendSrv({ fetch } as unknown as BackendSrv);
  setTemplateSrv(templates(values));
  return sent;
}
