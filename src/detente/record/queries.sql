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

-- name: first
-- Of each subject the version by the first statement of certain types beyond a version; its number goes with it.
SELECT q.n, l.subject_version
FROM unnest($1::text[], $2::integer[], $3::text[]) WITH ORDINALITY AS q (subject, beyond, types, n)
CROSS JOIN LATERAL (SELECT t.subject_version FROM statement t
                    WHERE t.subject = q.subject AND t.subject_version > q.beyond
                      AND t.type = ANY (string_to_array(q.types, ','))
                    ORDER BY t.statement_id LIMIT 1) l

-- name: feed_key
-- The secret that positions in the feed are hidden with.
SELECT secret FROM statement_feed_key

-- name: horizon
-- The oldest transaction that may still be open: everything before it is settled.
SELECT pg_snapshot_xmin(pg_current_snapshot()) AS horizon

-- name: changes_after
-- Settled statements and notes of some types after a position, in order, with the horizon; one row of nulls if there are none.
WITH settled AS MATERIALIZED (SELECT pg_snapshot_xmin(pg_current_snapshot()) AS horizon)
SELECT h.horizon, f.xact, f.statement_id, f.type, f.subject, f.subject_version,
       EXISTS (SELECT 1 FROM statement l
               WHERE l.subject = f.subject AND l.subject_version > f.subject_version
                 AND split_part(l.type, '.', 1) = split_part(f.type, '.', 1)  -- a zone may have a plan's id
                 AND l.type = ANY ($3::text[]) AND l.xact < h.horizon) AS is_overtaken,
       f.is_note, f.cause, f.left_parties, f.was_public
FROM settled h
LEFT JOIN LATERAL (
    (SELECT s.xact, s.statement_id, s.type, s.subject, s.subject_version,
            false AS is_note, NULL::text AS cause, NULL::text[] AS left_parties, NULL::boolean AS was_public
     FROM statement s
     WHERE (s.xact, s.statement_id) > ($1, $2) AND s.xact < h.horizon AND s.type = ANY ($3::text[])
     ORDER BY s.xact, s.statement_id LIMIT $4)
    UNION ALL
    (SELECT n.xact, n.note_id, n.type, n.subject, NULL, true, n.cause, n.left_parties, n.was_public
     FROM feed_note n
     WHERE (n.xact, n.note_id) > ($1, $2) AND n.xact < h.horizon AND n.type = ANY ($3::text[])
     ORDER BY n.xact, n.note_id LIMIT $4)
    ORDER BY 1, 2 LIMIT $4) f ON true
ORDER BY f.xact, f.statement_id

-- name: forget_notes
-- Drop a batch of the notes that no reader comes back to; by the database's clock, which noted them.
DELETE FROM feed_note WHERE (xact, note_id) IN (
    SELECT xact, note_id FROM feed_note WHERE noted_at < now() - make_interval(secs => $1)
    ORDER BY noted_at LIMIT $2 FOR UPDATE SKIP LOCKED)
