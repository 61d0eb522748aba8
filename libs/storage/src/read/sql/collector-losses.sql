-- $1 = "c"
SELECT * FROM (
  SELECT c.name AS cluster, nullif(e.node, '') AS node, g.stream, g.channel, g.reason, (extract(epoch FROM g.from_time) * 1000000)::int8 AS "from",
         (extract(epoch FROM g.to_time) * 1000000)::int8 AS "to", g.records, g.epoch::text AS epoch, g.first_sequence::text AS "firstSequence",
         g.last_sequence::text AS "lastSequence", g.detail,
         coalesce(sum(g.records) OVER (PARTITION BY e.id), 0)::int8 AS "lostRecords",
         row_number() OVER (PARTITION BY e.id ORDER BY g.to_time DESC, g.batch_id DESC, g.line DESC) AS place
  FROM gap g
  JOIN emitter e ON e.id = g.emitter_id
  JOIN cluster c ON c.id = e.cluster_id
  WHERE (c.name = $1::text)
) AS ranked
WHERE place <= 100
ORDER BY cluster, node, place
