-- name: of_subject
-- Every statement about one subject, oldest first.
SELECT statement_id, type, party_id, account_id, at_ms, subject_version, content_sha256, content
FROM statement WHERE subject = $1 ORDER BY statement_id LIMIT $2

-- name: latest
-- Of each subject the latest statement of certain types, without its content.
SELECT s.subject, l.subject_version, l.at_ms
FROM unnest($1::text[]) AS s (subject)
CROSS JOIN LATERAL (SELECT t.subject_version, t.at_ms FROM statement t
                    WHERE t.subject = s.subject AND t.type = ANY ($2::text[])
                    ORDER BY t.statement_id DESC LIMIT 1) l
