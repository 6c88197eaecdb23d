-- name: write
-- Remember one refused attempt; see the migration.
SELECT plan_refusal_write($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20)

-- name: find
-- One refusal, if the viewer may know of it.
SELECT refusal_id, party_id, plan_id, act, seen_version, at_ms, last_ms, attempts, sharing, is_complete, body, blocking
FROM plan_refusal r WHERE r.refusal_id = $2 AND plan_refusal_visible(r, $1)

-- name: page
-- Refusals that a viewer may know of, ordered by the instant and the id.
SELECT refusal_id, party_id, plan_id, act, seen_version, at_ms, last_ms, attempts, sharing, is_complete, body, blocking
FROM plan_refusal r
WHERE (r.at_ms, r.refusal_id) > ($2, $3)
  AND ($4::bigint IS NULL OR r.conflict_end_ms > $4) AND ($5::bigint IS NULL OR r.conflict_start_ms < $5)
  AND plan_refusal_visible(r, $1)
ORDER BY r.at_ms, r.refusal_id LIMIT $6

-- name: page_of_party
-- The same, of one party.
SELECT refusal_id, party_id, plan_id, act, seen_version, at_ms, last_ms, attempts, sharing, is_complete, body, blocking
FROM plan_refusal r
WHERE (r.at_ms, r.refusal_id) > ($2, $3)
  AND ($4::bigint IS NULL OR r.conflict_end_ms > $4) AND ($5::bigint IS NULL OR r.conflict_start_ms < $5)
  AND r.party_id = $7 AND plan_refusal_visible(r, $1)
ORDER BY r.at_ms, r.refusal_id LIMIT $6

-- name: page_of_plan
-- The same, of one plan, and of one party if it is named.
SELECT refusal_id, party_id, plan_id, act, seen_version, at_ms, last_ms, attempts, sharing, is_complete, body, blocking
FROM plan_refusal r
WHERE (r.at_ms, r.refusal_id) > ($2, $3)
  AND ($4::bigint IS NULL OR r.conflict_end_ms > $4) AND ($5::bigint IS NULL OR r.conflict_start_ms < $5)
  AND r.plan_id = $8 AND ($7::text IS NULL OR r.party_id = $7) AND plan_refusal_visible(r, $1)
ORDER BY r.at_ms, r.refusal_id LIMIT $6

-- name: concerned
-- Refusals by their ids, and those of plans by the plans' ids, newest first, until so many bytes are read; with how many there are.
WITH near AS (
    SELECT r.refusal_id, r.at_ms, octet_length(r.body) + octet_length(r.blocking) AS size
    FROM plan_refusal r WHERE r.refusal_id = ANY ($1)
    UNION
    SELECT r.refusal_id, r.at_ms, octet_length(r.body) + octet_length(r.blocking)
    FROM plan p JOIN plan_refusal r ON r.plan_id = p.plan_id AND r.party_id = p.party_id
    WHERE p.plan_id = ANY ($2)),
weighed AS (
    SELECT n.refusal_id, sum(n.size) OVER (ORDER BY n.at_ms DESC, n.refusal_id) - n.size AS bytes_before,
           count(*) OVER () AS how_many
    FROM near n)
SELECT r.refusal_id, r.party_id, r.plan_id, r.act, r.seen_version, r.at_ms, r.last_ms, r.attempts, r.sharing,
       r.is_complete, r.body, r.blocking, w.how_many
FROM weighed w JOIN plan_refusal r ON r.refusal_id = w.refusal_id
WHERE w.bytes_before < $3

-- name: sharing_now
-- What the owners of plans share now, by the plans' ids.
SELECT plan_id, sharing FROM plan WHERE plan_id = ANY ($1::uuid[])

-- name: forget
-- Drop a batch of refusals of plans that ended before an instant.
DELETE FROM plan_refusal WHERE refusal_id IN (
    SELECT refusal_id FROM plan_refusal WHERE end_ms < $1 ORDER BY end_ms LIMIT $2 FOR UPDATE SKIP LOCKED)
