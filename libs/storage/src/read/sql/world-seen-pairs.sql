-- $1 = "2026-11-20T22:40:15.576068Z"
-- $2 = "2026-11-20T23:40:15Z"
-- $3 = "c"
SELECT host(f.source) AS source, host(f.reply_source) AS destination, f.reply_source_port AS port, f.protocol::int AS protocol,
       count(DISTINCT (f.source_port, f.destination, f.destination_port))::int AS seen,
       (extract(epoch FROM min(f.observed_at)) * 1000000)::int8 AS "firstSeenAt", (extract(epoch FROM max(f.observed_at)) * 1000000)::int8 AS "lastSeenAt"
FROM flow f
JOIN emitter e ON e.id = f.emitter_id
JOIN cluster c ON c.id = e.cluster_id
WHERE f.observed_at >= $1::timestamptz AND f.observed_at < $2::timestamptz AND c.name = $3::text
GROUP BY f.source, f.reply_source, f.reply_source_port, f.protocol
ORDER BY seen DESC, f.source, f.reply_source, f.reply_source_port, f.protocol
LIMIT 20001
