/** `$own`: the namespaces of the scope; `$cluster`: its cluster, or null. */

export const own = (namespace: string) => `${namespace} = ANY ($own)`;

/** Of another namespace. What is of no namespace (a node, an address outside) is nobody's secret. */
export const hidden = (namespace: string) => `(${namespace} IS NOT NULL AND NOT ${own(namespace)})`;

export const inCluster = (column: string) =>
  `($cluster IS NULL OR ${column} IN (SELECT id FROM public.cluster WHERE name = $cluster))`;

/** Namespace of a policy that is written `Kind/namespace/name`; empty where it is the whole cluster's. */
export const policyNamespace = (policy: string) => `split_part(${policy}, '/', 2)`;

/** Policies that a reader may know by name: its own and the whole cluster's. */
export const namedPolicy = (policy: string) => `(${policyNamespace(policy)} = '' OR ${own(policyNamespace(policy))})`;

/** Those of a text array, in their order. */
export const namedPolicies = (column: string) =>
  `ARRAY(SELECT p FROM unnest(${column}) WITH ORDINALITY AS e (p, n) WHERE ${namedPolicy('p')} ORDER BY n)`;
