-- $1 = "policy"
-- $2 = "c"
-- $3 = ["dropped"]
-- $4 = "2026-11-20T00:00:00Z"
-- $5 = "2026-11-21T00:00:00Z"
-- $6 = 10
WITH groups AS MATERIALIZED (
  SELECT g.id, ARRAY[g.value] AS key, dense_rank() OVER (ORDER BY g.value) AS n
    FROM drop_slice g
    JOIN cluster c ON c.id = g.cluster_id
   WHERE g.dimension = $1::text AND ((c.name = $2::text) AND (g.verdict = ANY ($3::text[])))),
cells AS MATERIALIZED (
  SELECT g.n, r.bucket AS at, sum(r.drops)::float8 AS drops, sum(r.attempts)::float8 AS attempts, sum(r.packets)::float8 AS packets, sum(r.counted)::float8 AS counted
    FROM slice_day r
    JOIN groups g ON g.id = r.group_id
   WHERE r.bucket >= $4::timestamptz AND r.bucket < $5::timestamptz
   GROUP BY 1, 2),
chosen AS MATERIALIZED (
  SELECT c.n, k.key FROM (SELECT n FROM cells GROUP BY n ORDER BY sum(packets + counted) DESC, n LIMIT $6::int) c
    JOIN (SELECT DISTINCT n, key FROM groups) k ON k.n = c.n)
SELECT k.key, (extract(epoch FROM t.at) * 1000000)::int8 AS bucket, t.drops, t.attempts, t.packets, t.counted
FROM (SELECT s.n, c.at, sum(c.drops)::float8 AS drops, sum(c.attempts)::float8 AS attempts, sum(c.packets)::float8 AS packets, sum(c.counted)::float8 AS counted
        FROM cells c
        LEFT JOIN chosen s ON s.n = c.n
       GROUP BY s.n, c.at) t
LEFT JOIN chosen k ON k.n = t.n
ORDER BY t.at, t.n
