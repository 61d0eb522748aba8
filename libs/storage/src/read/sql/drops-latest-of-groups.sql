-- $1 = ["a"]
SELECT d.id, c.name AS cluster, d.group_id AS "groupId", d.explanation_id AS "explanationId",
       (extract(epoch FROM d.first_seen_at) * 1000000)::int8 AS "firstSeenAt", (extract(epoch FROM d.last_seen_at) * 1000000)::int8 AS "lastSeenAt",
       d.source_port AS "sourcePort", d.destination_port AS "destinationPort", d.protocol, d.attempts, d.packets,
       g.verdict, g.cause, g.direction, d.detail
FROM unnest($1::text[]) AS wanted (id)
JOIN drop_group g ON g.id = wanted.id
JOIN cluster c ON c.id = g.cluster_id
CROSS JOIN LATERAL (
  SELECT * FROM "drop" WHERE group_id = g.id AND first_seen_at <= g.last_seen_at
  ORDER BY first_seen_at DESC, id DESC LIMIT 1) d
