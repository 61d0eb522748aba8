-- $1 = "2026-11-20T22:40:15.576068Z"
-- $2 = "2026-11-20T23:40:15Z"
-- $3 = "c"
-- $4 = ["NetworkPolicy/dev/a","NetworkPolicy/dev/b"]
-- $5 = ["dropped","rejected"]
-- $6 = 51
SELECT wanted.list, found.*
FROM unnest($4::text[]) WITH ORDINALITY AS wanted (v4, list)
CROSS JOIN LATERAL (SELECT row_number() OVER () AS place, listed.* FROM (SELECT d.id, c.name AS cluster, d.group_id AS "groupId", d.explanation_id AS "explanationId",
       (extract(epoch FROM d.first_seen_at) * 1000000)::int8 AS "firstSeenAt", (extract(epoch FROM d.last_seen_at) * 1000000)::int8 AS "lastSeenAt",
       d.source_port AS "sourcePort", d.destination_port AS "destinationPort", d.protocol, d.attempts, d.packets,
       g.verdict, g.cause, g.direction, d.detail
FROM "drop" d
JOIN drop_group g ON g.id = d.group_id
JOIN cluster c ON c.id = d.cluster_id
WHERE d.first_seen_at >= $1::timestamptz
  AND d.first_seen_at < $2::timestamptz
  AND ((c.name = $3::text) AND EXISTS (SELECT FROM unnest(g.policies) AS p WHERE p = wanted.v4 OR ltrim(substr(p, strpos(p, '/') + 1), '/') = wanted.v4 OR split_part(p, '/', 3) = wanted.v4) AND (g.verdict = ANY ($5::text[])))
  AND true
ORDER BY d.first_seen_at DESC, d.id DESC
LIMIT $6::int) listed) found
ORDER BY wanted.list, found.place
