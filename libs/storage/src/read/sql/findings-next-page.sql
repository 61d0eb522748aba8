-- $1 = "2026-11-20T22:40:15.576068Z"
-- $2 = "2026-11-20T23:40:15Z"
-- $3 = "n1"
-- $4 = ["NODE_ALLOWS"]
-- $5 = "dev/policy1"
-- $6 = true
-- $7 = "2026-11-20T22:40:15.576068Z"
-- $8 = "abc"
-- $9 = 51
SELECT f.id, c.name AS cluster, e.node, f.kind, f.severity, f.namespace, f.workload, f.direction, f.subject, f.policies,
       f.sentence, f.detail -> 'witness' AS witness, f.detail -> 'decidedAt' AS "decidedAt",
       (f.detail ->> 'count')::int AS connections, (extract(epoch FROM f.first_seen_at) * 1000000)::int8 AS "firstSeenAt",
       (extract(epoch FROM f.last_seen_at) * 1000000)::int8 AS "lastSeenAt", (extract(epoch FROM f.opened_at) * 1000000)::int8 AS "openedAt",
       (extract(epoch FROM f.resolved_at) * 1000000)::int8 AS "resolvedAt"
FROM reconciliation_finding f
JOIN emitter e ON e.id = f.emitter_id
JOIN cluster c ON c.id = f.cluster_id
WHERE f.opened_at IS NOT NULL
  AND (f.resolved_at IS NULL OR f.resolved_at >= $1::timestamptz)
  AND f.opened_at < $2::timestamptz
  AND ((e.node = $3::text) AND (f.kind = ANY ($4::text[])) AND EXISTS (SELECT FROM unnest(f.policies) AS p WHERE substr(p, strpos(p, '/') + 1) = $5::text) AND ((f.resolved_at IS NULL) = $6::bool))
  AND (f.opened_at, f.id) < ($7::timestamptz, $8::text)
ORDER BY f.opened_at DESC, f.id DESC
LIMIT $9::int
