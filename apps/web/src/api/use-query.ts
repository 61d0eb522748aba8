import { useEffect, useState } from 'react';
import { ask, NotAllowed } from './client';
import { useSession } from './session';

export interface QueryState<T> {
  /** Of the last answer; stays while a newer one is on its way. */
  readonly data: T | undefined;
  readonly error: string | undefined;
  readonly loading: boolean;
}

/** Asks when `query` or its variables change, and when `round` is counted up. `query` undefined asks nothing. */
export function useQuery<T>(query: string | undefined, variables: object, round = 0): QueryState<T> {
  const { token, refuse } = useSession();
  const key = JSON.stringify(variables);
  const [state, setState] = useState<QueryState<T>>({
    data: undefined,
    error: undefined,
    loading: query !== undefined,
  });
  useEffect(() => {
    if (query === undefined) return;
    const controller = new AbortController();
    setState((before) => ({ ...before, loading: true }));
    ask<T>(token, query, JSON.parse(key) as object, controller.signal).then(
      (data) => setState({ data, error: undefined, loading: false }),
      (error: unknown) => {
        if (controller.signal.aborted) return;
        if (error instanceof NotAllowed) refuse(error.message);
        else
          setState({ data: undefined, error: error instanceof Error ? error.message : String(error), loading: false });
      },
    );
    return () => controller.abort();
  }, [query, key, round, token, refuse]);
  return state;
}
