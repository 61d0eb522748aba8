-- $1 = "2026-11-20T22:40:15.576068Z"
-- $2 = "2026-11-20T23:40:15Z"
-- $3 = "GlobalNetworkPolicy//a"
-- $4 = "2026-11-20T22:40:15.576068Z"
-- $5 = "abc"
-- $6 = 51
SELECT g.id, c.name AS cluster, g.verdict, g.cause, g.direction, g.basis, g.protocol,
       g.destination_port AS "destinationPort", g.source_kind AS "sourceKind", g.source_namespace AS "sourceNamespace",
       g.source_name AS "sourceName", g.destination_kind AS "destinationKind",
       g.destination_namespace AS "destinationNamespace", g.destination_name AS "destinationName", g.node, g.policies,
       (extract(epoch FROM g.first_seen_at) * 1000000)::int8 AS "firstSeenAt", (extract(epoch FROM g.last_seen_at) * 1000000)::int8 AS "lastSeenAt",
       g.drops, g.attempts, g.packets, g.explanation_id AS "explanationId", g.changes
FROM (SELECT g.* FROM drop_group g
JOIN cluster c ON c.id = g.cluster_id
WHERE g.last_seen_at >= $1::timestamptz
  AND g.first_seen_at < $2::timestamptz
  AND g.policies @> ARRAY[$3::text]
OFFSET 0) g
JOIN cluster c ON c.id = g.cluster_id
WHERE (g.last_seen_at, g.id) < ($4::timestamptz, $5::text)
ORDER BY g.last_seen_at DESC, g.id DESC
LIMIT $6::int
