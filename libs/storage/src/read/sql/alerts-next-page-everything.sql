-- $1 = ["a"]
-- $2 = "2026-11-20T22:40:15.576068Z"
-- $3 = "2026-11-20T23:40:15Z"
-- $4 = "c"
-- $5 = ["firing"]
-- $6 = "NetworkPolicy/dev/p"
-- $7 = "dev"
-- $8 = "info"
-- $9 = "2026-11-20T22:40:15.576068Z"
-- $10 = "abc"
-- $11 = 51
SELECT a.id, a.rule_id AS "ruleId", a.rule_name AS "ruleName", a.rule_kind AS "ruleKind", c.name AS cluster, a.severity, a.state,
       (extract(epoch FROM a.starts_at) * 1000000)::int8 AS "startsAt", (extract(epoch FROM a.fired_at) * 1000000)::int8 AS "firedAt", (extract(epoch FROM a.ends_at) * 1000000)::int8 AS "endsAt",
       a.value, a.expected, a.baseline, a.level_shift AS "levelShift", a.sequence, a.notified, a.muted_by AS "mutedBy", a.message
FROM alert a
JOIN cluster c ON c.id = a.cluster_id
WHERE a.id = ANY ($1::text[])
  AND coalesce(a.ends_at, 'infinity') >= $2::timestamptz
  AND a.starts_at < $3::timestamptz
  AND ((c.name = $4::text) AND (a.state = ANY ($5::text[])) AND EXISTS (SELECT FROM unnest(ARRAY(SELECT jsonb_array_elements_text(a.message -> 'policies'))) AS p WHERE p = $6::text OR ltrim(substr(p, strpos(p, '/') + 1), '/') = $6::text OR split_part(p, '/', 3) = $6::text) AND ((a.labels ->> 'source_namespace' = $7::text OR a.labels ->> 'destination_namespace' = $7::text) OR ((a.severity = $8::text)) IS NOT TRUE))
  AND (a.starts_at, a.id) < ($9::timestamptz, $10::text)
ORDER BY a.starts_at DESC, a.id DESC
LIMIT $11::int
