-- $1 = "c"
WITH epochs AS (
  SELECT c.name AS cluster, e.node, b.format, b.stream, b.epoch, max(b.sequence) AS last_sequence, count(*) AS batches,
         sum(b.payload_bytes) AS payload_bytes, sum(s.rejects) AS rejects,
         count(*) FILTER (WHERE b.finished_at IS NULL) AS open_batches,
         max(b.received_at) AS received_at, max(coalesce(b.observed_to, b.observed_from)) AS observed_at
  FROM raw_batch b
  JOIN emitter e ON e.id = b.emitter_id
  JOIN cluster c ON c.id = e.cluster_id
  LEFT JOIN batch_stage s ON s.batch_id = b.id AND s.stage = 'store'
  WHERE (c.name = $1::text)
  GROUP BY c.name, e.node, b.format, b.stream, b.epoch
), gaps AS (
  SELECT cluster, node, format, stream, epoch, last_sequence, last_sequence + 1 - batches AS missing,
         row_number() OVER (PARTITION BY cluster, node, format ORDER BY last_sequence + 1 - batches DESC, stream, epoch) AS place
  FROM epochs WHERE last_sequence + 1 > batches
)
SELECT cluster, nullif(node, '') AS node, format, count(DISTINCT stream)::int AS streams,
       sum(batches)::int8 AS batches, sum(payload_bytes)::int8 AS "payloadBytes",
       coalesce(sum(rejects), 0)::int8 AS rejects, sum(open_batches)::int8 AS "openBatches",
       sum(last_sequence + 1 - batches)::int8 AS "missingBatches",
       (extract(epoch FROM max(received_at)) * 1000000)::int8 AS "lastReceivedAt", (extract(epoch FROM max(observed_at)) * 1000000)::int8 AS "lastObservedAt",
       (SELECT jsonb_agg(jsonb_build_object('stream', g.stream, 'epoch', g.epoch::text,
                                            'lastSequence', g.last_sequence::text, 'missingBatches', g.missing::text)
                         ORDER BY g.place)
        FROM gaps g
        WHERE (g.cluster, g.node, g.format) = (epochs.cluster, epochs.node, epochs.format) AND g.place <= 100) AS gaps
FROM epochs
GROUP BY cluster, node, format
ORDER BY cluster, epochs.node, format
LIMIT 5000
