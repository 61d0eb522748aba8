-- $1 = "2026-11-20T22:40:15.576068Z"
-- $2 = "2026-11-20T23:40:15Z"
-- $3 = ["firing"]
-- $4 = "c"
-- $5 = "r"
-- $6 = ["warning"]
-- $7 = "NetworkPolicy/dev/p"
-- $8 = "2026-11-20T22:40:15.576068Z"
-- $9 = "abc"
-- $10 = 51
SELECT a.id, a.rule_id AS "ruleId", a.rule_name AS "ruleName", a.rule_kind AS "ruleKind", c.name AS cluster, a.severity, a.state,
       (extract(epoch FROM a.starts_at) * 1000000)::int8 AS "startsAt", (extract(epoch FROM a.fired_at) * 1000000)::int8 AS "firedAt", (extract(epoch FROM a.ends_at) * 1000000)::int8 AS "endsAt",
       a.value, a.expected, a.baseline, a.level_shift AS "levelShift", a.sequence, a.notified, a.muted_by AS "mutedBy", a.message
FROM alert a
JOIN cluster c ON c.id = a.cluster_id
WHERE true
  AND coalesce(a.ends_at, 'infinity') >= $1::timestamptz
  AND a.starts_at < $2::timestamptz
  AND a.state = ANY ($3::text[])
  AND c.name = $4::text
  AND a.rule_name = $5::text
  AND a.severity = ANY ($6::text[])
  AND a.message -> 'policies' ? $7::text
  AND (a.starts_at, a.id) < ($8::timestamptz, $9::text)
ORDER BY a.starts_at DESC, a.id DESC
LIMIT $10::int
