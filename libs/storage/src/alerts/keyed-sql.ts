import type { AlertFilter, AlertRule, Dimension, Measure, Suppression } from '@whydrop/alerting';
import type { Params } from '../read/condition.js';

/** Dimension by the name its label has, and how it reads from a group. Empty values are left out of the labels. */
export const LABELS: Readonly<Record<Dimension, { readonly label: string; readonly sql: string }>> = {
  policies: { label: 'policy', sql: `array_to_string(g.policies, ', ')` },
  cause: { label: 'cause', sql: 'g.cause' },
  sourceNamespace: { label: 'source_namespace', sql: `coalesce(g.source_namespace, '')` },
  sourceWorkload: { label: 'source', sql: `concat_ws('/', g.source_namespace, g.source_name)` },
  destinationNamespace: { label: 'destination_namespace', sql: `coalesce(g.destination_namespace, '')` },
  destinationWorkload: { label: 'destination', sql: `concat_ws('/', g.destination_namespace, g.destination_name)` },
  port: { label: 'port', sql: `coalesce(g.destination_port::text, '')` },
  node: { label: 'node', sql: `coalesce(g.node, '')` },
  direction: { label: 'direction', sql: `coalesce(g.direction, '')` },
};

/** The series a group belongs to: values of the dimensions as a JSON array. */
export function keySql(groupBy: readonly Dimension[]): string {
  return `jsonb_build_array(${groupBy.map((dimension) => LABELS[dimension].sql).join(', ')})::text`;
}

export type Labels = Readonly<Record<string, string>>;

export function labelsOf(groupBy: readonly Dimension[], key: string): Labels {
  const values = JSON.parse(key) as readonly string[];
  const pairs = groupBy.map((dimension, i) => [LABELS[dimension].label, values[i] ?? ''] as const);
  return Object.fromEntries(pairs.filter(([, value]) => value !== '').toSorted(([a], [b]) => (a < b ? -1 : 1)));
}

export const groupTable = (measure: Measure) => (measure === 'counted' ? 'counted_group' : 'drop_group');

/** What an explanation puts down to a rollout, not to a policy. */
const ROLLOUT = [
  'PROGRAMMING_RACE',
  'IDENTITY_LAG',
  'AGENT_RESTART_FLUSH',
  'ENDPOINT_NOT_READY',
  'NEIGH_FAIL',
  'POD_GONE',
  'REVERSED_REPLY',
];

function suppressed({ icmp, lateAfterClose, rollout }: Suppression, params: Params): readonly string[] {
  const causes = [...(lateAfterClose ? ['LATE_AFTER_CLOSE'] : []), ...(rollout ? ROLLOUT : [])];
  return [
    ...(icmp ? [`coalesce(g.protocol, '') NOT IN ('ICMP', 'ICMPv6')`] : []),
    ...(causes.length > 0 ? [`g.cause <> ALL (${params.add(causes, 'text[]')})`] : []),
  ];
}

function filtered(filter: AlertFilter, params: Params): readonly string[] {
  const { namespaces, workloads, policies, causes, ports, nodes } = filter;
  const any = (values: readonly unknown[] | undefined, sql: (list: string) => string, cast = 'text[]') =>
    values === undefined ? [] : [sql(params.add(values, cast))];
  const source = LABELS.sourceWorkload.sql;
  const destination = LABELS.destinationWorkload.sql;
  return [
    ...any(namespaces, (list) => `(g.source_namespace = ANY (${list}) OR g.destination_namespace = ANY (${list}))`),
    ...any(workloads, (list) => `(${source} = ANY (${list}) OR ${destination} = ANY (${list}))`),
    ...any(policies, (list) => `g.policies && ${list}`),
    ...any(causes, (list) => `g.cause = ANY (${list})`),
    ...any(ports, (list) => `g.destination_port = ANY (${list})`, 'int[]'),
    ...any(nodes, (list) => `g.node = ANY (${list})`),
  ];
}

/** Which groups a rule looks at: what was dropped or rejected, passed its filter and is not noise. */
export function groupsSql({ filter, suppress }: AlertRule, params: Params): string {
  return [`g.verdict IN ('dropped', 'rejected')`, ...suppressed(suppress, params), ...filtered(filter, params)].join(
    '\n   AND ',
  );
}
