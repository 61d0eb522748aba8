-- $1 = "2026-11-20"
-- $2 = "2026-11-22"
-- $3 = [""]
-- $4 = "c"
SELECT c.name AS cluster, s.node, (extract(epoch FROM s.day) * 1000000)::int8 AS day, s.minutes::text AS minutes
FROM seen_day s
JOIN cluster c ON c.id = s.cluster_id
WHERE s.day BETWEEN $1::date AND $2::date
  AND s.node = ANY ($3::text[])
  AND c.name = $4::text
