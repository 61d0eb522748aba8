-- $1 = "2026-11-20T22:40:15Z"
-- $2 = "c"
SELECT host(d.source) AS source, host(d.destination) AS destination, d.destination_port AS port, d.protocol AS protocol,
       count(*)::int AS seen, (extract(epoch FROM min(d.first_seen_at)) * 1000000)::int8 AS "firstSeenAt", (extract(epoch FROM max(d.last_seen_at)) * 1000000)::int8 AS "lastSeenAt"
FROM "drop" d
JOIN drop_group g ON g.id = d.group_id
JOIN cluster c ON c.id = d.cluster_id
WHERE d.first_seen_at >= $1::timestamptz AND true AND g.verdict IN ('dropped', 'rejected') AND c.name = $2::text
GROUP BY d.source, d.destination, d.destination_port, d.protocol
ORDER BY seen DESC, d.source, d.destination, d.destination_port, d.protocol
LIMIT 20001
