-- $1 = "2026-11-20T22:40:15Z"
-- $2 = "dev"
SELECT count(*)::int AS count FROM (
SELECT
FROM reconciliation_finding f
JOIN emitter e ON e.id = f.emitter_id
JOIN cluster c ON c.id = f.cluster_id
WHERE f.opened_at IS NOT NULL
  AND (f.resolved_at IS NULL OR f.resolved_at >= $1::timestamptz)
  AND true
  AND (f.namespace = $2::text)
LIMIT 10001) found
