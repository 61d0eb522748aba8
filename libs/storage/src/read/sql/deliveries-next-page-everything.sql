-- $1 = "2026-11-20T22:40:15.576068Z"
-- $2 = "2026-11-20T23:40:15Z"
-- $3 = "on-call"
-- $4 = "a"
-- $5 = ["dead"]
-- $6 = "2026-11-20T22:40:15.576068Z"
-- $7 = "17"
-- $8 = 51
SELECT d.id::text, d.key, r.name AS receiver, d.alert_id AS "alertId", d.sequence, d.status, d.message->>'summary' AS summary, d.state,
       d.attempts, CASE WHEN d.state = 'pending' THEN (extract(epoch FROM d.next_attempt_at) * 1000000)::int8 END AS "nextAttemptAt", d.reason,
       (extract(epoch FROM d.created_at) * 1000000)::int8 AS "createdAt", (extract(epoch FROM d.finished_at) * 1000000)::int8 AS "finishedAt"
FROM alert_delivery d
JOIN receiver r ON r.id = d.receiver_id
WHERE d.created_at >= $1::timestamptz
  AND d.created_at < $2::timestamptz
  AND ((r.name = $3::text) AND (d.alert_id = $4::text) AND ((d.state = ANY ($5::text[]))))
  AND (d.created_at, d.id) < ($6::timestamptz, $7::bigint)
ORDER BY d.created_at DESC, d.id DESC
LIMIT $8::int
