-- $1 = "2026-11-20T22:40:15.576068Z"
-- $2 = "2026-11-20T23:40:15Z"
-- $3 = 80
SELECT count(*)::int AS count FROM (
SELECT
FROM flow f
JOIN emitter e ON e.id = f.emitter_id
JOIN cluster c ON c.id = e.cluster_id
WHERE f.observed_at >= $1::timestamptz
  AND f.observed_at < $2::timestamptz
  AND (f.destination_port = $3::int OR f.reply_source_port = $3::int)
LIMIT 10001) found
