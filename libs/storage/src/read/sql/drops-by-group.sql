-- $1 = "2026-11-20T22:40:15Z"
-- $2 = "c"
-- $3 = ["dropped","rejected"]
-- $4 = 51
-- $5 = 51
SELECT d.id, c.name AS cluster, d.group_id AS "groupId", d.explanation_id AS "explanationId",
       (extract(epoch FROM d.first_seen_at) * 1000000)::int8 AS "firstSeenAt", (extract(epoch FROM d.last_seen_at) * 1000000)::int8 AS "lastSeenAt",
       d.source_port AS "sourcePort", d.destination_port AS "destinationPort", d.protocol, d.attempts, d.packets,
       g.verdict, g.cause, g.direction, d.detail || '{"evidence": []}' AS detail
FROM drop_group g
JOIN cluster c ON c.id = g.cluster_id
CROSS JOIN LATERAL (
  SELECT o.* FROM "drop" o WHERE o.group_id = g.id AND o.first_seen_at >= $1::timestamptz AND true
  ORDER BY o.first_seen_at DESC, o.id DESC
LIMIT $4::int) d
WHERE g.last_seen_at >= $1::timestamptz
  AND ((c.name = $2::text) AND (g.verdict = ANY ($3::text[])))
ORDER BY d.first_seen_at DESC, d.id DESC
LIMIT $5::int
