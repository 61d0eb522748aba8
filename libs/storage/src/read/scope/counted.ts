import { inCluster, namedPolicies, own } from './own.js';

const POLICIES = `(SELECT coalesce(jsonb_agg(p ORDER BY n), '[]')
      FROM jsonb_array_elements(d.facts -> 'policies') WITH ORDINALITY AS e (p, n)
      WHERE p ->> 'namespace' IS NULL OR ${own(`p ->> 'namespace'`)})`;

/** What rules of the scope's own workloads counted. A rule that a node's pods share, and a metric of a node, tell of others. */
export const COUNTED_DROP = `SELECT d.to_time, d.id, d.from_time, d.cluster_id, d.group_id, d.node, d.channel, d.cause, d.packets, d.attributed,
    d.is_lower_bound, jsonb_set(jsonb_set(d.facts, '{policies}', ${POLICIES}), '{misses}', '[]') AS facts
  FROM public.counted_drop d
  WHERE ${own(`d.facts #>> '{chainRule,owner,workload,namespace}'`)} AND ${inCluster('d.cluster_id')}`;

const OF_POLICIES = `(f.namespace IS NULL AND cardinality(f.policies) > 0
      AND NOT EXISTS (SELECT FROM unnest(f.policies) AS p WHERE NOT (${own(`split_part(p, '/', 2)`)})))`;

/**
 * Findings about the scope's own workloads, or about nothing but its own policies. The connection that shows one, and how many
 * do, tell who else is there; the rule, chain or set may be anybody's.
 */
export const RECONCILIATION_FINDING = `SELECT f.id, f.cluster_id, f.emitter_id, f.kind, f.severity, f.namespace, f.workload, f.direction,
    NULL::text AS subject, ${namedPolicies('f.policies')} AS policies,
    NULL::text AS sentence, '{"count": 1}'::jsonb AS detail, f.first_seen_at, f.last_seen_at, f.opened_at, f.resolved_at
  FROM public.reconciliation_finding f
  WHERE (${own('f.namespace')} OR ${OF_POLICIES}) AND ${inCluster('f.cluster_id')}`;

/** Names of the nodes that such findings are about. */
export const EMITTER = `SELECT e.id, e.cluster_id, e.node FROM public.emitter e WHERE e.id IN (SELECT emitter_id FROM "reconciliation_finding")`;
