-- $1 = "2026-11-20T22:40:15.576068Z"
-- $2 = "2026-11-20T23:40:15Z"
-- $3 = "10.0.0.1"
-- $4 = [6,17]
-- $5 = true
-- $6 = "2026-11-20T22:40:15.576068Z"
-- $7 = "17"
-- $8 = "3"
-- $9 = 51
SELECT (extract(epoch FROM f.observed_at) * 1000000)::int8 AS "observedAt", f.batch_id::text AS "batchId", f.line, c.name AS cluster,
       nullif(e.node, '') AS node, f.event, f.protocol, f.state, f.unreplied, f.assured,
       host(f.source) AS source, host(f.destination) AS destination,
       f.source_port AS "sourcePort", f.destination_port AS "destinationPort",
       host(f.reply_source) AS "replySource", host(f.reply_destination) AS "replyDestination",
       f.reply_source_port AS "replySourcePort", f.reply_destination_port AS "replyDestinationPort",
       f.icmp_type AS "icmpType", f.icmp_code AS "icmpCode",
       f.original_packets AS "originalPackets", f.original_bytes AS "originalBytes",
       f.reply_packets AS "replyPackets", f.reply_bytes AS "replyBytes", f.mark, f.zone
FROM flow f
JOIN emitter e ON e.id = f.emitter_id
JOIN cluster c ON c.id = e.cluster_id
WHERE f.observed_at >= $1::timestamptz
  AND f.observed_at < $2::timestamptz
  AND ((f.source = $3::inet OR f.destination = $3::inet OR f.reply_source = $3::inet OR f.reply_destination = $3::inet) AND (f.protocol = ANY ($4::int[])) AND (f.unreplied = $5::bool))
  AND (f.observed_at, f.batch_id, f.line) < ($6::timestamptz, $7::bigint, $8::bigint)
ORDER BY f.observed_at DESC, f.batch_id DESC, f.line DESC
LIMIT $9::int
