-- $1 = "c"
SELECT DISTINCT ON (c.name, e.node, v.channel) c.name AS cluster, nullif(e.node, '') AS node, v.channel,
       (extract(epoch FROM v.from_time) * 1000000)::int8 AS "from", (extract(epoch FROM v.to_time) * 1000000)::int8 AS "to"
FROM coverage v
JOIN emitter e ON e.id = v.emitter_id
JOIN cluster c ON c.id = e.cluster_id
WHERE (c.name = $1::text)
ORDER BY c.name, e.node, v.channel, v.to_time DESC, v.from_time
