-- $1 = "2026-11-20T22:40:15.576068Z"
-- $2 = "2026-11-20T23:40:15Z"
SELECT count(*)::int AS count FROM (
SELECT FROM drop_group g
JOIN cluster c ON c.id = g.cluster_id
WHERE g.last_seen_at >= $1::timestamptz
  AND g.first_seen_at < $2::timestamptz
  AND true
LIMIT 10001) found
