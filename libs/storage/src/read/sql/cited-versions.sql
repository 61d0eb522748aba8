-- $1 = ["d1","d2"]
SELECT d.id AS drop_id, (extract(epoch FROM d.first_seen_at) * 1000000)::int8 AS then, r.cited::int AS cited, v.object,
       (extract(epoch FROM v.valid_from) * 1000000)::int8 AS valid_from, (extract(epoch FROM v.valid_to) * 1000000)::int8 AS valid_to
FROM "drop" d
JOIN explanation x ON x.id = d.explanation_id
CROSS JOIN LATERAL (
  SELECT p ->> 'kind' AS kind, p ->> 'namespace' AS namespace, p ->> 'name' AS name, n AS cited
  FROM jsonb_array_elements(x.body -> 'policies') WITH ORDINALITY AS e (p, n)
  UNION ALL
  SELECT 'Pod', d.detail #>> '{source,pod,namespace}', d.detail #>> '{source,pod,name}', 1001
  UNION ALL
  SELECT 'Pod', d.detail #>> '{destination,pod,namespace}', d.detail #>> '{destination,pod,name}', 1002) r
JOIN object_version v ON v.cluster_id = d.cluster_id AND v.name = r.name
  AND v.namespace = coalesce(r.namespace, '')
  AND v.kind = CASE r.kind WHEN 'CalicoNetworkPolicy' THEN 'NetworkPolicy' ELSE r.kind END
  AND v.api_group = ANY (CASE r.kind
    WHEN 'Pod' THEN ARRAY['']
    WHEN 'NetworkPolicy' THEN ARRAY['networking.k8s.io', 'extensions']
    ELSE ARRAY['projectcalico.org', 'crd.projectcalico.org', 'policy.networking.k8s.io'] END)
WHERE d.id = ANY ($1::text[])
  AND (v.valid_to IS NULL OR v.valid_to > d.first_seen_at)
  AND (v.valid_to IS NULL OR v.valid_to > v.valid_from)
ORDER BY d.id, r.cited, v.valid_from, v.id
