-- $1 = "2026-11-20T22:40:15.576068Z"
-- $2 = "2026-11-20T23:40:15Z"
-- $3 = "observed"
SELECT count(*)::int AS count FROM (
SELECT FROM "drop" d
JOIN drop_group g ON g.id = d.group_id
JOIN cluster c ON c.id = d.cluster_id
WHERE d.first_seen_at >= $1::timestamptz
  AND d.first_seen_at < $2::timestamptz
  AND ((SELECT x.body ->> 'basis' FROM explanation x WHERE x.id = d.explanation_id) = $3::text)
LIMIT 10001) found
