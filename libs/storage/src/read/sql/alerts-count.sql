-- $1 = ["firing"]
SELECT count(*)::int AS count FROM (
SELECT
FROM alert a
JOIN cluster c ON c.id = a.cluster_id
WHERE (a.state = ANY ($1::text[]))
LIMIT 10001) found
