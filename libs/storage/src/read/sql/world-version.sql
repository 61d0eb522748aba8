-- $1 = "c"
SELECT max(v.id)::text AS newest FROM object_version v
JOIN cluster c ON c.id = v.cluster_id
WHERE c.name = $1::text
