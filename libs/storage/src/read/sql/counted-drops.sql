-- $1 = "2026-11-20T22:40:15.576068Z"
-- $2 = "2026-11-20T23:40:15Z"
-- $3 = "c"
-- $4 = 100
SELECT d.group_id AS id, c.name AS cluster, (extract(epoch FROM min(d.from_time)) * 1000000)::int8 AS "from", (extract(epoch FROM max(d.to_time)) * 1000000)::int8 AS "to",
       sum(d.packets)::int8 AS packets, sum(d.attributed)::int8 AS attributed, bool_or(d.is_lower_bound) AS "isLowerBound",
       (array_agg(d.facts ORDER BY d.to_time DESC, d.id))[1] AS facts
FROM counted_drop d
JOIN cluster c ON c.id = d.cluster_id
WHERE d.to_time >= $1::timestamptz
  AND d.from_time < $2::timestamptz
  AND c.name = $3::text
GROUP BY d.group_id, c.name
HAVING sum(d.packets) > sum(d.attributed)
ORDER BY min(d.from_time), d.group_id
LIMIT $4::int
