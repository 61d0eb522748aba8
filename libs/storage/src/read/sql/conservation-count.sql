-- $1 = "2026-11-20T22:40:15Z"
-- $2 = "FORWARD"
SELECT count(*)::int AS count FROM (
SELECT
FROM counted_drop d
JOIN cluster c ON c.id = d.cluster_id
WHERE d.channel = 'counter'
  AND d.to_time > $1::timestamptz
  AND true
  AND ((d.facts -> 'chainRule' ->> 'chain') = $2::text)
LIMIT 10001) found
