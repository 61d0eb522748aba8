import { type Level, type SliceDimension, SLICES } from '@whydrop/rollup';
import { type Condition, conditionSql, type Params } from '../read/condition.js';
import { GROUP_FIELDS } from '../read/drop.read-model.js';
import { NAMESPACE } from '../read/scope/namespace.js';
import { LEVEL_TABLE, SLICE_TABLE } from './apply.js';

/** Groups of drops and groups of counted packets, side by side. */
export const GROUPS = `(
    SELECT id, cluster_id, verdict, cause, direction, basis, protocol, destination_port, source_kind, source_namespace,
           source_name, destination_kind, destination_namespace, destination_name, node, policies FROM drop_group
    UNION ALL
    SELECT id, cluster_id, verdict, cause, direction, 'counted', protocol, destination_port, source_kind, source_namespace,
           source_name, destination_kind, destination_namespace, destination_name, node, policies FROM counted_group)`;

export { NAMESPACE };

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

/** Which windows are read, and which of them belong to which series. */
export interface SeriesSource {
  readonly table: string;
  /** SELECT of `id` (as windows have it in `group_id`), `key` and `n`: see `groupKeysSql`. */
  readonly groups: string;
}

/** Parts of a condition that slices can answer. */
const OF_SLICES: readonly string[] = ['cluster', 'verdict'];

/** The slices that have these series ready; undefined when groups have to be added up. */
function sliceOf(groupBy: readonly Dimension[], condition: TrendCondition): SliceDimension | undefined {
  const asked = Object.entries(condition).filter(([, match]) => match !== undefined && match !== null);
  if (groupBy.length > 1 || asked.some(([name]) => !OF_SLICES.includes(name))) return undefined;
  return SLICES.find((slice) => slice === (groupBy[0] ?? 'all'));
}

/** Reads slices where they have what is asked for, and groups otherwise. */
export function seriesSource(
  level: Level,
  groupBy: readonly Dimension[],
  condition: TrendCondition,
  clusterId: number | undefined,
  params: Params,
): SeriesSource {
  const slice = sliceOf(groupBy, condition);
  if (slice === undefined) {
    return { table: LEVEL_TABLE[level], groups: groupKeysSql(groupBy, condition, clusterId, params) };
  }
  const where = [`g.dimension = ${params.add(slice, 'text')}`, conditionSql(GROUP_FIELDS, condition, params)];
  if (clusterId !== undefined) where.push(`g.cluster_id = ${params.add(clusterId, 'int')}`);
  const key = slice === 'all' ? 'ARRAY[]::text[]' : 'ARRAY[g.value]';
  const groups = `SELECT g.id, ${key} AS key, dense_rank() OVER (ORDER BY g.value) AS n
    FROM drop_slice g
    JOIN cluster c ON c.id = g.cluster_id
   WHERE ${where.join(' AND ')}`;
  return { table: SLICE_TABLE[level], groups };
}

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
