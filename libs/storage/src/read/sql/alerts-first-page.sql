-- $1 = 51
SELECT a.id, a.rule_id AS "ruleId", a.rule_name AS "ruleName", a.rule_kind AS "ruleKind", c.name AS cluster, a.severity, a.state,
       (extract(epoch FROM a.starts_at) * 1000000)::int8 AS "startsAt", (extract(epoch FROM a.fired_at) * 1000000)::int8 AS "firedAt", (extract(epoch FROM a.ends_at) * 1000000)::int8 AS "endsAt",
       a.value, a.expected, a.baseline, a.level_shift AS "levelShift", a.sequence, a.notified, a.muted_by AS "mutedBy", a.message
FROM alert a
JOIN cluster c ON c.id = a.cluster_id
WHERE true
  AND true
ORDER BY a.starts_at DESC, a.id DESC
LIMIT $1::int
