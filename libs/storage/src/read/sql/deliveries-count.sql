-- $1 = "on-call"
SELECT count(*)::int AS count FROM (
SELECT
FROM alert_delivery d
JOIN receiver r ON r.id = d.receiver_id
WHERE (r.name = $1::text)
LIMIT 10001) found
