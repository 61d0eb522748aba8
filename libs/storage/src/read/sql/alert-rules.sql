SELECT r.id, r.name, r.kind, r.source, r.enabled, r.spec, r.revision, r.updated_by AS "updatedBy",
       (extract(epoch FROM r.updated_at) * 1000000)::int8 AS "updatedAt",
       (SELECT count(*)::int FROM alert a WHERE a.rule_id = r.id AND a.state = 'firing') AS firing
FROM alert_rule r
ORDER BY r.name
