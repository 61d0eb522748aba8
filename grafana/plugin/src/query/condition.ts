import { CONDITION_NAMES, type ConditionName, type Conditions } from '../types';

/** Where a condition stands in the API's filters. */
const FIELDS: Readonly<Record<ConditionName, string>> = {
  clusters: 'cluster',
  namespaces: 'namespace',
  policies: 'policy',
  causes: 'cause',
  workloads: 'workload',
  nodes: 'node',
};

/** Conditions as the API's `DropGroupCondition` (and `DropFilter`, but for its time): `{namespace: {in: […]}}`. */
export function conditionOf(
  where: Conditions,
  valuesOf: (texts: readonly string[] | undefined) => string[] | undefined,
): Record<string, { readonly in: readonly string[] }> {
  const entries = CONDITION_NAMES.map((name) => [FIELDS[name], valuesOf(where[name])] as const);
  return Object.fromEntries(entries.flatMap(([field, values]) => (values ? [[field, { in: values }]] : [])));
}
