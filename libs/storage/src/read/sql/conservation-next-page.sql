-- $1 = "2026-11-20T22:40:15.576068Z"
-- $2 = "2026-11-20T23:40:15Z"
-- $3 = "n1"
-- $4 = "dev/policy1"
-- $5 = true
-- $6 = "2026-11-20T22:40:15.576068Z"
-- $7 = "abc"
-- $8 = 51
SELECT d.id, c.name AS cluster, d.node, (extract(epoch FROM d.from_time) * 1000000)::int8 AS "from", (extract(epoch FROM d.to_time) * 1000000)::int8 AS "to", d.packets,
       d.attributed, d.counted_only AS "countedOnly", d.packets - d.attributed - d.counted_only AS unexplained, d.excess,
       d.is_lower_bound AS "isLowerBound", d.facts, d.lost
FROM counted_drop d
JOIN cluster c ON c.id = d.cluster_id
WHERE d.channel = 'counter'
  AND d.to_time > $1::timestamptz
  AND d.from_time < $2::timestamptz
  AND ((d.node = $3::text) AND EXISTS (SELECT FROM unnest((SELECT coalesce(array_agg(p), '{}') FROM jsonb_array_elements(d.facts -> 'policies') AS p)) AS p WHERE coalesce(p ->> 'namespace' || '/', '') || (p ->> 'name') = $4::text OR concat_ws('/', p ->> 'kind', coalesce(p ->> 'namespace', ''), p ->> 'name') = $4::text) AND ((d.excess > 0) = $5::bool))
  AND (d.to_time, d.id) < ($6::timestamptz, $7::text)
ORDER BY d.to_time DESC, d.id DESC
LIMIT $8::int
