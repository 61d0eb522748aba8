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
-- $13 = "2026-11-20T22:40:15.576068Z"
-- $14 = "abc"
-- $15 = 51
SELECT d.id, c.name AS cluster, d.group_id AS "groupId", d.explanation_id AS "explanationId",
       (extract(epoch FROM d.first_seen_at) * 1000000)::int8 AS "firstSeenAt", (extract(epoch FROM d.last_seen_at) * 1000000)::int8 AS "lastSeenAt",
       d.source_port AS "sourcePort", d.destination_port AS "destinationPort", d.protocol, d.attempts, d.packets,
       g.verdict, g.cause, g.direction, d.detail
FROM "drop" d
JOIN drop_group g ON g.id = d.group_id
JOIN cluster c ON c.id = d.cluster_id
WHERE d.first_seen_at >= $1::timestamptz
  AND true
  AND ((c.name = $2::text) AND (g.source_namespace = ANY ($3::text[]) OR g.destination_namespace = ANY ($3::text[])) AND (g.source_namespace = ANY ($4::text[]) OR g.destination_namespace = ANY ($4::text[])) IS NOT TRUE AND (strpos(g.source_name, $5::text) > 0 OR strpos(g.source_namespace || '/' || g.source_name, $5::text) > 0 OR strpos(g.destination_name, $5::text) > 0 OR strpos(g.destination_namespace || '/' || g.destination_name, $5::text) > 0) AND EXISTS (SELECT FROM unnest(g.policies) AS p WHERE p = $6::text OR ltrim(substr(p, strpos(p, '/') + 1), '/') = $6::text OR split_part(p, '/', 3) = $6::text) AND (g.destination_port >= $7::int) AND (g.destination_port < $8::int) AND (g.protocol = $9::text) IS NOT TRUE AND NOT (g.direction IS NULL) AND ((g.cause = $10::text) OR (((g.verdict = $11::text) AND (starts_with((SELECT x.body #>> '{enforcementPoint,node}' FROM explanation x WHERE x.id = d.explanation_id), $12::text)))) IS NOT TRUE))
  AND (d.first_seen_at, d.id) < ($13::timestamptz, $14::text)
ORDER BY d.first_seen_at DESC, d.id DESC
LIMIT $15::int
