-- $1 = ["17","18"]
SELECT a.delivery_id::text AS "deliveryId", (extract(epoch FROM a.started_at) * 1000000)::int8 AS "startedAt", a.millis, a.outcome, a.status, a.response, a.error
FROM unnest($1::int8[]) AS wanted(id)
CROSS JOIN LATERAL (SELECT * FROM delivery_attempt WHERE delivery_id = wanted.id ORDER BY id DESC LIMIT 50) a
ORDER BY a.delivery_id, a.id
