-- name: of_subject
-- Every statement about one subject, oldest first.
SELECT statement_id, type, party_id, account_id, at_ms, subject_version, content_sha256, content
FROM statement WHERE subject = $1 ORDER BY statement_id LIMIT $2
