-- $1 = "2026-11-20T22:40:15.576068Z"
-- $2 = "2026-11-20T23:40:15Z"
-- $3 = "TRUNCATED"
-- $4 = "2026-11-20T22:40:15.576068Z"
-- $5 = "17"
-- $6 = "3"
-- $7 = 51
SELECT r.batch_id::text AS "batchId", r.ordinal, c.name AS cluster, nullif(e.node, '') AS node, b.stream, b.format,
       r.line, r.reason, r.detail, r.raw, (extract(epoch FROM r.received_at) * 1000000)::int8 AS "receivedAt"
FROM reject r
JOIN raw_batch b ON b.id = r.batch_id
JOIN emitter e ON e.id = b.emitter_id
JOIN cluster c ON c.id = e.cluster_id
WHERE r.received_at >= $1::timestamptz
  AND r.received_at < $2::timestamptz
  AND (r.reason = $3::text)
  AND (r.received_at, r.batch_id, r.ordinal) < ($4::timestamptz, $5::bigint, $6::bigint)
ORDER BY r.received_at DESC, r.batch_id DESC, r.ordinal DESC
LIMIT $7::int
