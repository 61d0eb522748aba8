-- $1 = ["a"]
-- $2 = "dev"
SELECT d.id, c.name AS cluster, d.group_id AS "groupId", d.explanation_id AS "explanationId",
       (extract(epoch FROM d.first_seen_at) * 1000000)::int8 AS "firstSeenAt", (extract(epoch FROM d.last_seen_at) * 1000000)::int8 AS "lastSeenAt",
       d.source_port AS "sourcePort", d.destination_port AS "destinationPort", d.protocol, d.attempts, d.packets,
       g.verdict, g.cause, g.direction, d.detail
FROM (SELECT unnest($1::text[]) AS id UNION SELECT f.drop_id FROM "former_drop_id" f WHERE f.id = ANY ($1::text[])) asked
JOIN "drop" d ON d.id = asked.id
JOIN drop_group g ON g.id = d.group_id
JOIN cluster c ON c.id = d.cluster_id
WHERE (g.source_namespace = $2::text OR g.destination_namespace = $2::text)
ORDER BY d.first_seen_at, d.id
