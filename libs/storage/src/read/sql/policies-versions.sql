-- $1 = ["k"]
SELECT c.name || '/' || v.api_group || '/' || v.kind || '/' || v.namespace || '/' || v.name AS key, v.id::text AS version, c.name AS cluster, CASE WHEN v.kind = 'NetworkPolicy' AND v.api_group LIKE '%projectcalico.org' THEN 'CalicoNetworkPolicy' ELSE v.kind END AS kind, nullif(v.namespace, '') AS namespace,
       v.name, v.uid, v.resource_version AS "resourceVersion", (extract(epoch FROM v.valid_from) * 1000000)::int8 AS "validFrom",
       (extract(epoch FROM v.valid_to) * 1000000)::int8 AS "validTo", v.object
FROM object_version v
JOIN cluster c ON c.id = v.cluster_id
WHERE v.kind IN ('NetworkPolicy', 'GlobalNetworkPolicy', 'StagedNetworkPolicy', 'StagedGlobalNetworkPolicy',
                 'AdminNetworkPolicy', 'BaselineAdminNetworkPolicy', 'ClusterNetworkPolicy')
  AND v.api_group IN ('networking.k8s.io', 'extensions', 'projectcalico.org', 'crd.projectcalico.org', 'policy.networking.k8s.io')
  AND (v.valid_to IS NULL OR v.valid_to > v.valid_from)
  AND c.name || '/' || v.api_group || '/' || v.kind || '/' || v.namespace || '/' || v.name = ANY ($1::text[])
ORDER BY v.valid_from, v.id
