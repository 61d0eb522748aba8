-- $1 = "2026-11-20T22:40:15.576068Z"
-- $2 = "2026-11-20T23:40:15Z"
-- $3 = 100
SELECT c.name AS cluster, d.group_id AS key, min(d.node) AS node, (array_agg(d.facts ORDER BY d.to_time DESC, d.id))[1] AS facts, sum(d.packets)::int8 AS packets, sum(d.attributed)::int8 AS attributed, sum(d.counted_only)::int8 AS "countedOnly",
       sum(d.packets - d.attributed - d.counted_only)::int8 AS unexplained, sum(d.excess)::int8 AS excess,
       bool_or(d.is_lower_bound) AS "isLowerBound", count(*)::int AS windows,
       (extract(epoch FROM min(d.from_time)) * 1000000)::int8 AS "from", (extract(epoch FROM max(d.to_time)) * 1000000)::int8 AS "to"
FROM counted_drop d
JOIN cluster c ON c.id = d.cluster_id
WHERE d.channel = 'counter'
  AND d.to_time > $1::timestamptz
  AND d.from_time < $2::timestamptz
  AND true
GROUP BY c.name, d.group_id
ORDER BY sum(d.packets - d.attributed) DESC, c.name, d.group_id
LIMIT $3::int
