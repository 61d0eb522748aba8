-- $1 = "2026-11-20T22:40:15.576068Z"
-- $2 = "2026-11-20T23:40:15Z"
-- $3 = 51
SELECT d.id, c.name AS cluster, d.group_id AS "groupId", d.explanation_id AS "explanationId",
       (extract(epoch FROM d.first_seen_at) * 1000000)::int8 AS "firstSeenAt", (extract(epoch FROM d.last_seen_at) * 1000000)::int8 AS "lastSeenAt",
       d.source_port AS "sourcePort", d.destination_port AS "destinationPort", d.protocol, d.attempts, d.packets,
       g.verdict, g.cause, g.direction, d.detail || '{"evidence": []}' AS detail
FROM "drop" d
JOIN drop_group g ON g.id = d.group_id
JOIN cluster c ON c.id = d.cluster_id
WHERE d.first_seen_at >= $1::timestamptz
  AND d.first_seen_at < $2::timestamptz
  AND true
  AND true
ORDER BY d.first_seen_at DESC, d.id DESC
LIMIT $3::int
