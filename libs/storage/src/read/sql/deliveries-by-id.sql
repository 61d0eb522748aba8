-- $1 = "17"
SELECT d.id::text, d.key, r.name AS receiver, d.alert_id AS "alertId", d.sequence, d.status, d.message->>'summary' AS summary, d.state,
       d.attempts, CASE WHEN d.state = 'pending' THEN (extract(epoch FROM d.next_attempt_at) * 1000000)::int8 END AS "nextAttemptAt", d.reason,
       (extract(epoch FROM d.created_at) * 1000000)::int8 AS "createdAt", (extract(epoch FROM d.finished_at) * 1000000)::int8 AS "finishedAt"
FROM alert_delivery d
JOIN receiver r ON r.id = d.receiver_id
WHERE d.id = $1::int8
