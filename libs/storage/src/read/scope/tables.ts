import { ALERT } from './alert.js';
import { COUNTED_DROP, EMITTER, RECONCILIATION_FINDING } from './counted.js';
import { NAMESPACE } from './namespace.js';
import { hidden, inCluster, namedPolicies, own } from './own.js';

const visible = (g: string) =>
  `(${own(`${g}.source_namespace`)} OR ${own(`${g}.destination_namespace`)}) AND ${inCluster(`${g}.cluster_id`)}`;

/** Kinds of policies that are the whole cluster's: everybody may know their names. */
const CLUSTER_WIDE = `('GlobalNetworkPolicy', 'AdminNetworkPolicy', 'BaselineAdminNetworkPolicy', 'ClusterNetworkPolicy')`;

const end = (side: 'source' | 'destination') => {
  const unlessHidden = (column: string, instead: string) =>
    `CASE WHEN ${hidden(`g.${side}_namespace`)} THEN ${instead} ELSE g.${column} END AS ${column}`;
  return [
    unlessHidden(`${side}_kind`, `'withheld'`),
    unlessHidden(`${side}_namespace`, 'NULL'),
    unlessHidden(`${side}_name`, `'withheld'`),
  ].join(', ');
};

// A node tells where a workload runs: that of one's own is known, that of another is not.
const NODE = `CASE WHEN (g.direction = 'ingress' AND ${own('g.destination_namespace')})
      OR (g.direction = 'egress' AND ${own('g.source_namespace')})
      OR NOT (${hidden('g.source_namespace')} OR ${hidden('g.destination_namespace')}) THEN g.node END AS node`;

const POLICIES = `${namedPolicies('g.policies')} AS policies`;

const CHANGES = `CASE WHEN jsonb_typeof(g.changes) = 'array' THEN (
      SELECT coalesce(jsonb_agg(e ORDER BY n), '[]') FROM jsonb_array_elements(g.changes) WITH ORDINALITY AS c (e, n)
      WHERE e #>> '{object,namespace}' = ANY ($own)
         OR (e #>> '{object,namespace}' IS NULL AND e #>> '{object,kind}' IN ${CLUSTER_WIDE})
         OR (e #>> '{object,kind}' = 'Namespace' AND e #>> '{object,name}' = ANY ($own))) END AS changes`;

const DIMENSIONS = `g.id, g.cluster_id, g.verdict, g.cause, g.direction, g.protocol, g.destination_port,
    ${end('source')}, ${end('destination')}, ${NODE}, ${POLICIES}`;

const DROP_GROUP = `SELECT ${DIMENSIONS}, g.basis, g.first_seen_at, g.last_seen_at, g.drops, g.attempts, g.packets,
    g.explanation_id, ${CHANGES}
  FROM public.drop_group g WHERE ${visible('g')}`;

const COUNTED_GROUP = `SELECT ${DIMENSIONS} FROM public.counted_group g WHERE ${visible('g')}`;

const namespaceOf = (side: string) =>
  `coalesce(d.detail #>> '{${side},pod,namespace}', d.detail #>> '{${side},workload,namespace}', g.${side}_namespace)`;
const hiddenEnd = (side: string) =>
  `(${hidden(namespaceOf(side))} OR (${namespaceOf(side)} IS NULL AND d.detail #>> '{${side},role}' = 'service'))`;
const shownEnd = (side: string) => `CASE WHEN ${side}_hidden
      THEN jsonb_build_object('ip', detail #> '{${side},ip}', 'label', detail #> '{${side},ip}', 'role', detail #> '{${side},role}')
      ELSE detail -> '${side}' END`;

// Raw lines are a node's; what an item shows may name the other end.
const EVIDENCE = `(SELECT coalesce(jsonb_agg(CASE WHEN source_hidden OR destination_hidden
      THEN jsonb_build_object('channel', e -> 'channel', 'observedAt', e -> 'observedAt', 'shows', 'withheld')
      ELSE e - 'raw' END ORDER BY n), '[]')
    FROM jsonb_array_elements(detail -> 'evidence') WITH ORDINALITY AS v (e, n))`;

const WITHHELD = `to_jsonb(array_remove(ARRAY['raw lines',
      CASE WHEN source_hidden THEN 'the source' END,
      CASE WHEN destination_hidden THEN 'the destination' END,
      CASE WHEN source_hidden OR destination_hidden THEN 'policies and rules of other namespaces' END], NULL))`;

const DROP = `SELECT first_seen_at, id, last_seen_at, cluster_id, group_id, explanation_id, source, source_port, destination,
    destination_port, protocol, attempts, packets, jsonb_strip_nulls(jsonb_build_object(
      'source', ${shownEnd('source')},
      'destination', ${shownEnd('destination')},
      'original', CASE WHEN detail #>> '{original,service,namespace}' = ANY ($own)
        THEN detail -> 'original' ELSE (detail -> 'original') - 'service' END,
      'translatedSource', detail -> 'translatedSource',
      'evidence', ${EVIDENCE},
      'sentence', CASE WHEN NOT (source_hidden OR destination_hidden) THEN detail -> 'sentence' END,
      'withheld', ${WITHHELD})) AS detail
  FROM (SELECT d.*, ${hiddenEnd('source')} AS source_hidden, ${hiddenEnd('destination')} AS destination_hidden
          FROM public."drop" d JOIN public.drop_group g ON g.id = d.group_id WHERE ${visible('g')}) AS seen`;

const EXPLANATION = `SELECT x.id, CASE WHEN x.body #>> '{enforcementPoint,workload,namespace}' = ANY ($own)
    THEN x.body ELSE x.body - 'enforcementPoint' END AS body FROM public.explanation x`;

const OBJECT_VERSION = `SELECT * FROM public.object_version v WHERE ${inCluster('v.cluster_id')}
    AND (${own('v.namespace')} OR (v.namespace = '' AND v.kind IN ${CLUSTER_WIDE}))`;

const windows = (level: string) => `SELECT r.* FROM public.drop_${level} r
  WHERE r.group_id IN (SELECT id FROM "drop_group" UNION ALL SELECT id FROM "counted_group")`;

// What is added up beforehand holds all namespaces: it is made anew, of the groups that are left.
const DROP_SLICE = `SELECT g.id, g.cluster_id, g.verdict, s.dimension, s.value
  FROM (SELECT id, cluster_id, verdict, cause, direction, source_namespace, destination_namespace, policies FROM "drop_group"
        UNION ALL
        SELECT id, cluster_id, verdict, cause, direction, source_namespace, destination_namespace, policies FROM "counted_group") g
  CROSS JOIN LATERAL (
    VALUES ('all', ''), ('cause', g.cause), ('namespace', coalesce(${NAMESPACE}, ''))
    UNION ALL SELECT 'policy', coalesce(p, '') FROM (SELECT 1) AS one LEFT JOIN unnest(g.policies) AS p ON true) AS s (dimension, value)`;

/** What a scope leaves of each table, each made of those before it. A table that is not here cannot be asked. */
export const SCOPED_TABLES: Readonly<Record<string, string>> = {
  cluster: 'SELECT * FROM public.cluster WHERE $cluster IS NULL OR name = $cluster',
  drop_group: DROP_GROUP,
  counted_group: COUNTED_GROUP,
  drop: DROP,
  // It tells nothing by itself: the drop has to be there.
  former_drop_id: 'SELECT * FROM public.former_drop_id',
  explanation: EXPLANATION,
  object_version: OBJECT_VERSION,
  drop_minute: windows('minute'),
  drop_hour: windows('hour'),
  drop_day: windows('day'),
  drop_slice: DROP_SLICE,
  slice_minute: 'SELECT * FROM "drop_minute"',
  slice_hour: 'SELECT * FROM "drop_hour"',
  slice_day: 'SELECT * FROM "drop_day"',
  // Whether anything was heard of the cluster: without it a zero could not be told from a gap.
  seen_day: `SELECT * FROM public.seen_day s WHERE s.node = '' AND ${inCluster('s.cluster_id')}`,
  rollup_kept: 'SELECT * FROM public.rollup_kept',
  alert: ALERT,
  counted_drop: COUNTED_DROP,
  reconciliation_finding: RECONCILIATION_FINDING,
  emitter: EMITTER,
};
