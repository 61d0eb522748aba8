-- $1 = "1970-01-01T00:00:00Z"
-- $2 = ["k"]
SELECT * FROM (
SELECT c.name || '/' || e.kind || '/' || coalesce(e.namespace, '') || '/' || e.name AS key, c.name AS cluster, e.kind, e.namespace, e.name,
       coalesce(sum(g.drops) FILTER (WHERE e.source), 0)::text AS "blockedTo",
       coalesce(sum(g.drops) FILTER (WHERE NOT e.source), 0)::text AS "blockedFrom", (extract(epoch FROM max(g.last_seen_at)) * 1000000)::int8 AS "lastSeenAt"
FROM drop_group g
JOIN cluster c ON c.id = g.cluster_id
CROSS JOIN LATERAL (VALUES
  (true, g.source_kind, g.source_namespace, g.source_name),
  (false, g.destination_kind, g.destination_namespace, g.destination_name)) AS e (source, kind, namespace, name)
WHERE g.last_seen_at >= $1::timestamptz
  AND true
  AND g.verdict IN ('dropped', 'rejected') AND e.namespace IS NOT NULL
GROUP BY c.name, e.kind, e.namespace, e.name) w
WHERE w.key = ANY ($2::text[])
