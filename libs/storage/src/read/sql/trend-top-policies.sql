-- $1 = "c"
-- $2 = ["a","b"]
-- $3 = ["c"]
-- $4 = "web"
-- $5 = "dev/policy1"
-- $6 = 1
-- $7 = 1024
-- $8 = "TCP"
-- $9 = "PORT_CLOSED"
-- $10 = "dropped"
-- $11 = "n"
-- $12 = "2026-11-20T00:00:00Z"
-- $13 = "2026-11-21T00:00:00Z"
-- $14 = 10
WITH groups AS MATERIALIZED (
  SELECT g.id, ARRAY[coalesce(p.policy, ''), coalesce(g.cause, '')]::text[] AS key, dense_rank() OVER (ORDER BY ARRAY[coalesce(p.policy, ''), coalesce(g.cause, '')]::text[]) AS n
    FROM (
    SELECT id, cluster_id, verdict, cause, direction, basis, protocol, destination_port, source_kind, source_namespace,
           source_name, destination_kind, destination_namespace, destination_name, node, policies FROM drop_group
    UNION ALL
    SELECT id, cluster_id, verdict, cause, direction, 'counted', protocol, destination_port, source_kind, source_namespace,
           source_name, destination_kind, destination_namespace, destination_name, node, policies FROM counted_group) g
    JOIN cluster c ON c.id = g.cluster_id
    LEFT JOIN LATERAL unnest(g.policies) AS p(policy) ON true
   WHERE ((c.name = $1::text) AND (g.source_namespace = ANY ($2::text[]) OR g.destination_namespace = ANY ($2::text[])) AND (g.source_namespace = ANY ($3::text[]) OR g.destination_namespace = ANY ($3::text[])) IS NOT TRUE AND (strpos(g.source_name, $4::text) > 0 OR strpos(g.source_namespace || '/' || g.source_name, $4::text) > 0 OR strpos(g.destination_name, $4::text) > 0 OR strpos(g.destination_namespace || '/' || g.destination_name, $4::text) > 0) AND EXISTS (SELECT FROM unnest(g.policies) AS p WHERE p = $5::text OR ltrim(substr(p, strpos(p, '/') + 1), '/') = $5::text OR split_part(p, '/', 3) = $5::text) AND (g.destination_port >= $6::int) AND (g.destination_port < $7::int) AND (g.protocol = $8::text) IS NOT TRUE AND NOT (g.direction IS NULL) AND ((g.cause = $9::text) OR (((g.verdict = $10::text) AND (starts_with(g.node, $11::text)))) IS NOT TRUE))),
cells AS MATERIALIZED (
  SELECT g.n, date_bin('604800 seconds', r.bucket, '1970-01-01T00:00:00Z') AS at, sum(r.drops)::float8 AS drops, sum(r.attempts)::float8 AS attempts, sum(r.packets)::float8 AS packets, sum(r.counted)::float8 AS counted
    FROM drop_day r
    JOIN groups g ON g.id = r.group_id
   WHERE r.bucket >= $12::timestamptz AND r.bucket < $13::timestamptz
   GROUP BY 1, 2),
chosen AS MATERIALIZED (
  SELECT c.n, k.key FROM (SELECT n FROM cells GROUP BY n ORDER BY sum(packets + counted) DESC, n LIMIT $14::int) c
    JOIN (SELECT DISTINCT n, key FROM groups) k ON k.n = c.n)
SELECT k.key, (extract(epoch FROM t.at) * 1000000)::int8 AS bucket, t.drops, t.attempts, t.packets, t.counted
FROM (SELECT s.n, c.at, sum(c.drops)::float8 AS drops, sum(c.attempts)::float8 AS attempts, sum(c.packets)::float8 AS packets, sum(c.counted)::float8 AS counted
        FROM cells c
        LEFT JOIN chosen s ON s.n = c.n
       GROUP BY s.n, c.at) t
LEFT JOIN chosen k ON k.n = t.n
ORDER BY t.at, t.n
