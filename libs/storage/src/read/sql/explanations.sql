-- $1 = ["a"]
SELECT id, body FROM explanation WHERE id = ANY ($1::text[])
