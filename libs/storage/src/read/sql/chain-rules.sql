-- $1 = "2026-11-20T23:40:15Z"
-- $2 = "c"
-- $3 = ["n1"]
SELECT DISTINCT ON (e.node, r.family, r.backend) c.name AS cluster, e.node, r.family, r.backend,
       (extract(epoch FROM r.observed_at) * 1000000)::int8 AS "observedAt", s.tables, r.counters::text[] AS counters
FROM ruleset_snapshot r
JOIN emitter e ON e.id = r.emitter_id
JOIN cluster c ON c.id = e.cluster_id
JOIN ruleset s ON s.hash = r.ruleset_hash
WHERE c.name = $2::text AND e.node = ANY ($3::text[])
  AND r.observed_at <= $1::timestamptz AND r.observed_at > $1::timestamptz - interval '1 day'
ORDER BY e.node, r.family, r.backend, r.observed_at DESC, r.batch_id DESC
