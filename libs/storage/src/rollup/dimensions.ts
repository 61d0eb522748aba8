import { type Condition, conditionSql, type Params } from '../read/condition.js';
import { GROUP_FIELDS } from '../read/drop.read-model.js';

/** Groups of drops and groups of counted packets, side by side. */
export const GROUPS = `(
    SELECT id, cluster_id, verdict, cause, direction, basis, protocol, destination_port, source_kind, source_namespace,
           source_name, destination_kind, destination_namespace, destination_name, node, policies FROM drop_group
    UNION ALL
    SELECT id, cluster_id, verdict, cause, direction, 'counted', protocol, destination_port, source_kind, source_namespace,
           source_name, destination_kind, destination_namespace, destination_name, node, policies FROM counted_group)`;

// Where a policy decided, its side; else the destination's namespace, or the only one there is.
export const NAMESPACE = `CASE WHEN g.direction = 'egress' THEN coalesce(g.source_namespace, g.destination_namespace)
      ELSE coalesce(g.destination_namespace, g.source_namespace) END`;

/** What drops are added up by. Absent values are the empty text. */
export const DIMENSIONS = {
  cluster: 'c.name',
  /** Of the endpoint whose policy decided. */
  namespace: NAMESPACE,
  sourceNamespace: 'g.source_namespace',
  destinationNamespace: 'g.destination_namespace',
  /** `namespace/name`, a node's name, or an address. */
  sourceWorkload: `concat_ws('/', g.source_namespace, g.source_name)`,
  destinationWorkload: `concat_ws('/', g.destination_namespace, g.destination_name)`,
  /** `Kind/namespace/name`. Drops that several policies caused are in the series of each. */
  policy: 'p.policy',
  cause: 'g.cause',
  port: 'g.destination_port::text',
  protocol: 'g.protocol',
  node: 'g.node',
  direction: 'g.direction',
  verdict: 'g.verdict',
  group: 'g.id',
} as const;

export type Dimension = keyof typeof DIMENSIONS;

/** What trends are filtered by: the fields of drop groups. */
export type TrendCondition = Condition<keyof typeof GROUP_FIELDS>;

/**
 * SELECT of `id`, `key` (the dimensions' values in the order asked for) and `n` (a number per key) of every group that
 * meets the condition. A group is there once per policy when policies are asked for.
 */
export function groupKeysSql(
  dimensions: readonly Dimension[],
  condition: TrendCondition,
  clusterId: number | undefined,
  params: Params,
): string {
  const values = dimensions.map((dimension) => `coalesce(${DIMENSIONS[dimension]}, '')`);
  const key = `ARRAY[${values.join(', ')}]::text[]`;
  const policies = dimensions.includes('policy')
    ? '\n    LEFT JOIN LATERAL unnest(g.policies) AS p(policy) ON true'
    : '';
  const where = [conditionSql(GROUP_FIELDS, condition, params)];
  if (clusterId !== undefined) where.push(`g.cluster_id = ${params.add(clusterId, 'int')}`);
  return `SELECT g.id, ${key} AS key, dense_rank() OVER (ORDER BY ${key}) AS n
    FROM ${GROUPS} g
    JOIN cluster c ON c.id = g.cluster_id${policies}
   WHERE ${where.join(' AND ')}`;
}
