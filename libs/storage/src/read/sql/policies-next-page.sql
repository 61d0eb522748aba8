-- $1 = "dev"
-- $2 = false
-- $3 = "k"
-- $4 = 51
SELECT * FROM (
SELECT DISTINCT ON (v.cluster_id, v.api_group, v.kind, v.namespace, v.name) c.name || '/' || v.api_group || '/' || v.kind || '/' || v.namespace || '/' || v.name AS key, v.id::text AS version, c.name AS cluster, CASE WHEN v.kind = 'NetworkPolicy' AND v.api_group LIKE '%projectcalico.org' THEN 'CalicoNetworkPolicy' ELSE v.kind END AS kind, nullif(v.namespace, '') AS namespace,
       v.name, v.uid, v.resource_version AS "resourceVersion", (extract(epoch FROM v.valid_from) * 1000000)::int8 AS "validFrom",
       (extract(epoch FROM v.valid_to) * 1000000)::int8 AS "validTo", v.object
FROM object_version v
JOIN cluster c ON c.id = v.cluster_id
WHERE v.kind IN ('NetworkPolicy', 'GlobalNetworkPolicy', 'StagedNetworkPolicy', 'StagedGlobalNetworkPolicy',
                 'AdminNetworkPolicy', 'BaselineAdminNetworkPolicy', 'ClusterNetworkPolicy')
  AND v.api_group IN ('networking.k8s.io', 'extensions', 'projectcalico.org', 'crd.projectcalico.org', 'policy.networking.k8s.io')
  AND (v.valid_to IS NULL OR v.valid_to > v.valid_from)
ORDER BY v.cluster_id, v.api_group, v.kind, v.namespace, v.name, v.valid_from DESC, v.id DESC) p
WHERE ((p.namespace = $1::text) AND ((p."validTo" IS NOT NULL) = $2::bool))
  AND (p.key) < ($3::text)
ORDER BY p.key DESC
LIMIT $4::int
