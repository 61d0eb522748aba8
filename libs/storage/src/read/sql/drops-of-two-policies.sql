-- $1 = "2026-11-20T22:40:15.576068Z"
-- $2 = "2026-11-20T23:40:15Z"
-- $3 = "2026-11-20T22:40:15.576068Z"
-- $4 = "abc"
-- $5 = 51
-- $6 = "c"
-- $7 = ["NetworkPolicy/dev/a","NetworkPolicy/dev/b"]
-- $8 = ["dropped","rejected"]
-- $9 = 51
SELECT wanted.list, found.*
FROM unnest($7::text[]) WITH ORDINALITY AS wanted (v4, list)
CROSS JOIN LATERAL (SELECT row_number() OVER () AS place, listed.* FROM (SELECT d.id, c.name AS cluster, d.group_id AS "groupId", d.explanation_id AS "explanationId",
       (extract(epoch FROM d.first_seen_at) * 1000000)::int8 AS "firstSeenAt", (extract(epoch FROM d.last_seen_at) * 1000000)::int8 AS "lastSeenAt",
       d.source_port AS "sourcePort", d.destination_port AS "destinationPort", d.protocol, d.attempts, d.packets,
       g.verdict, g.cause, g.direction, d.detail
FROM drop_group g
JOIN cluster c ON c.id = g.cluster_id
CROSS JOIN LATERAL (
  SELECT o.* FROM "drop" o WHERE o.group_id = g.id AND o.first_seen_at >= $1::timestamptz AND o.first_seen_at < $2::timestamptz AND (o.first_seen_at, o.id) < ($3::timestamptz, $4::text)
  ORDER BY o.first_seen_at DESC, o.id DESC
LIMIT $5::int) d
WHERE g.last_seen_at >= $1::timestamptz
  AND g.first_seen_at < $2::timestamptz
  AND ((c.name = $6::text) AND g.policies @> ARRAY[wanted.v4] AND (g.verdict = ANY ($8::text[])))
ORDER BY d.first_seen_at DESC, d.id DESC
LIMIT $9::int) listed) found
ORDER BY wanted.list, found.place
