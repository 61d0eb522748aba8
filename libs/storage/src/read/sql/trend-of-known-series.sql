-- $1 = "2026-11-20T00:00:00Z"
-- $2 = "2026-11-21T00:00:00Z"
-- $3 = "[[\"dev/a\"]]"
WITH groups AS MATERIALIZED (
  SELECT g.id, ARRAY[coalesce(concat_ws('/', g.source_namespace, g.source_name), '')]::text[] AS key, dense_rank() OVER (ORDER BY ARRAY[coalesce(concat_ws('/', g.source_namespace, g.source_name), '')]::text[]) AS n
    FROM (
    SELECT id, cluster_id, verdict, cause, direction, basis, protocol, destination_port, source_kind, source_namespace,
           source_name, destination_kind, destination_namespace, destination_name, node, policies FROM drop_group
    UNION ALL
    SELECT id, cluster_id, verdict, cause, direction, 'counted', protocol, destination_port, source_kind, source_namespace,
           source_name, destination_kind, destination_namespace, destination_name, node, policies FROM counted_group) g
    JOIN cluster c ON c.id = g.cluster_id
   WHERE true),
cells AS MATERIALIZED (
  SELECT g.n, r.bucket AS at, sum(r.drops)::float8 AS drops, sum(r.attempts)::float8 AS attempts, sum(r.packets)::float8 AS packets, sum(r.counted)::float8 AS counted
    FROM drop_day r
    JOIN groups g ON g.id = r.group_id
   WHERE r.bucket >= $1::timestamptz AND r.bucket < $2::timestamptz
   GROUP BY 1, 2),
chosen AS MATERIALIZED (
  SELECT DISTINCT n, key FROM groups WHERE to_jsonb(key) IN (SELECT jsonb_array_elements($3::jsonb)))
SELECT k.key, (extract(epoch FROM t.at) * 1000000)::int8 AS bucket, t.drops, t.attempts, t.packets, t.counted
FROM (SELECT s.n, c.at, sum(c.drops)::float8 AS drops, sum(c.attempts)::float8 AS attempts, sum(c.packets)::float8 AS packets, sum(c.counted)::float8 AS counted
        FROM cells c
        LEFT JOIN chosen s ON s.n = c.n
       GROUP BY s.n, c.at) t
LEFT JOIN chosen k ON k.n = t.n
ORDER BY t.at, t.n
