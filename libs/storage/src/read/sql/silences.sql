-- $1 = "2026-11-20T22:40:15.576068Z"
SELECT s.id, s.matchers, s.author, s.comment, (extract(epoch FROM s.starts_at) * 1000000)::int8 AS "startsAt",
       (extract(epoch FROM s.ends_at) * 1000000)::int8 AS "endsAt", (extract(epoch FROM s.created_at) * 1000000)::int8 AS "createdAt"
FROM silence s
WHERE s.ends_at > $1::timestamptz
ORDER BY s.ends_at, s.id
LIMIT 500
