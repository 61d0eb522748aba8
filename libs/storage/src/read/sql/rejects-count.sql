-- $1 = "2026-11-20T22:40:15.576068Z"
-- $2 = "2026-11-20T23:40:15Z"
SELECT count(*)::int AS count FROM (
SELECT
FROM reject r
JOIN raw_batch b ON b.id = r.batch_id
JOIN emitter e ON e.id = b.emitter_id
JOIN cluster c ON c.id = e.cluster_id
WHERE r.received_at >= $1::timestamptz
  AND r.received_at < $2::timestamptz
  AND true
LIMIT 10001) found
