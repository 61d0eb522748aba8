-- $1 = 80
-- $2 = "2026-11-20T00:00:00Z"
-- $3 = "2026-11-21T00:00:00Z"
-- $4 = 10
WITH groups AS MATERIALIZED (
  SELECT g.id, ARRAY[coalesce(CASE WHEN g.direction = 'egress' THEN coalesce(g.source_namespace, g.destination_namespace)
      ELSE coalesce(g.destination_namespace, g.source_namespace) END, '')]::text[] AS key, dense_rank() OVER (ORDER BY ARRAY[coalesce(CASE WHEN g.direction = 'egress' THEN coalesce(g.source_namespace, g.destination_namespace)
      ELSE coalesce(g.destination_namespace, g.source_namespace) END, '')]::text[]) AS n
    FROM (
    SELECT id, cluster_id, verdict, cause, direction, basis, protocol, destination_port, source_kind, source_namespace,
           source_name, destination_kind, destination_namespace, destination_name, node, policies FROM drop_group
    UNION ALL
    SELECT id, cluster_id, verdict, cause, direction, 'counted', protocol, destination_port, source_kind, source_namespace,
           source_name, destination_kind, destination_namespace, destination_name, node, policies FROM counted_group) g
    JOIN cluster c ON c.id = g.cluster_id
   WHERE (g.destination_port = $1::int))
SELECT k.key, t.drops, t.attempts, t.packets, t.counted
FROM (SELECT g.n, sum(r.drops)::float8 AS drops, sum(r.attempts)::float8 AS attempts, sum(r.packets)::float8 AS packets,
             sum(r.counted)::float8 AS counted
        FROM drop_day r
        JOIN groups g ON g.id = r.group_id
       WHERE r.bucket >= $2::timestamptz AND r.bucket < $3::timestamptz
       GROUP BY g.n
       ORDER BY sum(r.packets + r.counted) DESC, g.n
       LIMIT $4::int) t
JOIN (SELECT DISTINCT n, key FROM groups) k ON k.n = t.n
ORDER BY t.packets + t.counted DESC, t.n
