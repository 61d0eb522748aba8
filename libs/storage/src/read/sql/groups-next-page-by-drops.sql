-- $1 = "2026-11-20T22:40:15Z"
-- $2 = "c"
-- $3 = ["a","b"]
-- $4 = ["c"]
-- $5 = "web"
-- $6 = "dev/policy1"
-- $7 = 1
-- $8 = 1024
-- $9 = "TCP"
-- $10 = "PORT_CLOSED"
-- $11 = "dropped"
-- $12 = "n"
-- $13 = "17"
-- $14 = "abc"
-- $15 = 51
SELECT g.id, c.name AS cluster, g.verdict, g.cause, g.direction, g.basis, g.protocol,
       g.destination_port AS "destinationPort", g.source_kind AS "sourceKind", g.source_namespace AS "sourceNamespace",
       g.source_name AS "sourceName", g.destination_kind AS "destinationKind",
       g.destination_namespace AS "destinationNamespace", g.destination_name AS "destinationName", g.node, g.policies,
       (extract(epoch FROM g.first_seen_at) * 1000000)::int8 AS "firstSeenAt", (extract(epoch FROM g.last_seen_at) * 1000000)::int8 AS "lastSeenAt",
       g.drops, g.attempts, g.packets, g.explanation_id AS "explanationId", g.changes
FROM drop_group g
JOIN cluster c ON c.id = g.cluster_id
WHERE g.last_seen_at >= $1::timestamptz
  AND true
  AND ((c.name = $2::text) AND (g.source_namespace = ANY ($3::text[]) OR g.destination_namespace = ANY ($3::text[])) AND (g.source_namespace = ANY ($4::text[]) OR g.destination_namespace = ANY ($4::text[])) IS NOT TRUE AND (strpos(g.source_name, $5::text) > 0 OR strpos(g.source_namespace || '/' || g.source_name, $5::text) > 0 OR strpos(g.destination_name, $5::text) > 0 OR strpos(g.destination_namespace || '/' || g.destination_name, $5::text) > 0) AND EXISTS (SELECT FROM unnest(g.policies) AS p WHERE p = $6::text OR ltrim(substr(p, strpos(p, '/') + 1), '/') = $6::text OR split_part(p, '/', 3) = $6::text) AND (g.destination_port >= $7::int) AND (g.destination_port < $8::int) AND (g.protocol = $9::text) IS NOT TRUE AND NOT (g.direction IS NULL) AND ((g.cause = $10::text) OR (((g.verdict = $11::text) AND (starts_with(g.node, $12::text)))) IS NOT TRUE))
  AND (g.drops, g.id) > ($13::bigint, $14::text)
ORDER BY g.drops ASC, g.id ASC
LIMIT $15::int
