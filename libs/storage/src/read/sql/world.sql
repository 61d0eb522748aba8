-- $1 = "2026-11-20T23:40:15Z"
-- $2 = "c"
SELECT v.object FROM object_version v
JOIN cluster c ON c.id = v.cluster_id
WHERE c.name = $2::text AND v.valid_from <= $1::timestamptz AND (v.valid_to IS NULL OR v.valid_to > $1::timestamptz)
ORDER BY v.api_group, v.kind, v.namespace, v.name, v.valid_from, v.content_hash
