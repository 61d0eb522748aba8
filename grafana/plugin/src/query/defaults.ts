import type { QueryKind, WhydropQuery } from '../types';

const LIMITS: Readonly<Record<QueryKind, number>> = { trend: 10, top: 10, drops: 100, graph: 100, alerts: 100 };
/** The API takes no more in one answer. */
const MOST: Readonly<Record<QueryKind, number>> = { trend: 100, top: 100, drops: 500, graph: 500, alerts: 500 };

/** The query with everything that its kind needs. */
export function withDefaults(query: Partial<WhydropQuery> & { readonly refId: string }) {
  const kind = query.kind ?? 'trend';
  const limit = Math.trunc(query.limit ?? LIMITS[kind]);
  return {
    ...query,
    kind,
    where: query.where ?? {},
    groupBy: (query.groupBy ?? (kind === 'top' ? ['POLICY' as const] : ['NAMESPACE' as const])).slice(0, 3),
    limit: Number.isFinite(limit) ? Math.min(Math.max(limit, 1), MOST[kind]) : LIMITS[kind],
    measure: query.measure ?? 'DROPS',
    format: query.format ?? 'logs',
  };
}

export type CompleteQuery = ReturnType<typeof withDefaults>;
