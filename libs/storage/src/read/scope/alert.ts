import { hidden, inCluster, namedPolicy, own } from './own.js';

// Of a policy Kind/namespace/name, of a pod namespace/name; a chain or set has none.
const NAMESPACE_OF = `CASE length(p) - length(replace(p, '/', '')) WHEN 2 THEN split_part(p, '/', 2) WHEN 1 THEN split_part(p, '/', 1) END`;

// An address with its prefix length has a slash too; its dots and colons are in no namespace's name.
const OF_WORKLOAD = `CASE WHEN v ~ '^[a-z0-9-]+/' THEN split_part(v, '/', 1) END`;

/** Whether a label `k` with value `v` names a namespace of the scope: then the alert is about it. */
const NAMES_OWN = `CASE WHEN k IN ('source_namespace', 'destination_namespace') THEN ${own('v')}
        WHEN k IN ('source', 'destination') THEN ${own(OF_WORKLOAD)}
        WHEN k IN ('policy', 'about') THEN EXISTS (SELECT FROM unnest(string_to_array(v, ', ')) AS p WHERE ${own(NAMESPACE_OF)}) END`;

// The list is closed: a label that is not here is withheld, whatever it holds.
const SHOWN = `CASE WHEN k IN ('cause', 'port', 'direction', 'finding') THEN v
        WHEN k IN ('source_namespace', 'destination_namespace') AND ${own('v')} THEN v
        WHEN k IN ('source', 'destination') AND NOT ${hidden(`(${OF_WORKLOAD})`)} THEN v
        WHEN k = 'policy' THEN coalesce((SELECT string_agg(p, ', ' ORDER BY n) FROM unnest(string_to_array(v, ', ')) WITH ORDINALITY AS e (p, n)
          WHERE ${namedPolicy('p')}), 'withheld')
        WHEN k = 'about' THEN coalesce((SELECT string_agg(p, ', ' ORDER BY n) FROM unnest(string_to_array(v, ', ')) WITH ORDINALITY AS e (p, n)
          WHERE ${own(NAMESPACE_OF)}), 'withheld')
        ELSE 'withheld' END`;

const LABELS = `(SELECT coalesce(jsonb_object_agg(k, ${SHOWN}), '{}') FROM jsonb_each_text(a.labels) AS l (k, v))`;

const texts = (field: string, shown: string) => `(SELECT coalesce(jsonb_agg(p ORDER BY n), '[]')
      FROM jsonb_array_elements_text(a.message -> '${field}') WITH ORDINALITY AS e (p, n) WHERE ${shown})`;

const POLICIES = texts('policies', namedPolicy('p'));
// Each begins with the policy that was changed.
const CHANGES = texts('changes', namedPolicy(`split_part(p, ' ', 1)`));

const WITHHELD_END = `'{"kind": "withheld", "namespace": null, "name": "withheld"}'::jsonb`;
const ends = (
  field: string,
) => `(SELECT coalesce(jsonb_agg(jsonb_build_object('end', shown, 'drops', drops) ORDER BY drops DESC, shown), '[]')
      FROM jsonb_array_elements(a.message -> '${field}') AS e,
           LATERAL (SELECT (e ->> 'drops')::float8 AS drops,
                           CASE WHEN ${hidden(`e #>> '{end,namespace}'`)} THEN ${WITHHELD_END} ELSE e -> 'end' END AS shown) s)`;

/** The group that the alert leads to, if it is seen; `whole`: with both its ends. */
const group = (whole: boolean) =>
  `EXISTS (SELECT FROM "drop_group" g WHERE a.message ->> 'path' = '/?group=' || g.id${
    whole ? ` AND 'withheld' <> ALL (ARRAY[coalesce(g.source_kind, ''), coalesce(g.destination_kind, '')])` : ''
  })`;

/**
 * Alerts whose labels name a namespace of the scope. What their labels, ends, policies and changes say of others is withheld,
 * and the summary with it; the reader makes another one.
 */
export const ALERT = `SELECT a.id, a.rule_id, a.rule_name, a.rule_kind, a.cluster_id, l.labels, a.severity, a.state, a.starts_at, a.fired_at,
    a.ends_at, a.value, a.expected, a.baseline, a.level_shift, a.sequence, a.notified,
    CASE WHEN a.muted_by ? 'by' THEN jsonb_build_object('by', a.muted_by -> 'by', 'id', 'withheld') END AS muted_by,
    jsonb_build_object('labels', l.labels,
      'summary', CASE WHEN l.labels = a.labels AND l.changes = a.message -> 'changes' THEN a.message -> 'summary' END,
      'sentence', CASE WHEN ${group(true)} THEN a.message -> 'sentence' END,
      'cause', a.message -> 'cause', 'policies', ${POLICIES}, 'changes', l.changes, 'trend', a.message -> 'trend',
      'topSources', ${ends('topSources')}, 'topDestinations', ${ends('topDestinations')},
      'path', CASE WHEN ${group(false)} THEN a.message ->> 'path' ELSE '/' END) AS message
  FROM public.alert a, LATERAL (SELECT ${LABELS} AS labels, ${CHANGES} AS changes) l
  WHERE ${inCluster('a.cluster_id')} AND EXISTS (SELECT FROM jsonb_each_text(a.labels) AS l (k, v) WHERE ${NAMES_OWN})`;
