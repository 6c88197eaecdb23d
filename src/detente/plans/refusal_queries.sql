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

-- name: sharing_now
-- What the owners of plans share now, by the plans' ids.
SELECT plan_id, sharing FROM plan WHERE plan_id = ANY ($1::uuid[])

-- name: forget
-- Drop a batch of refusals of plans that ended before an instant.
DELETE FROM plan_refusal WHERE refusal_id IN (
    SELECT refusal_id FROM plan_refusal WHERE end_ms < $1 ORDER BY end_ms LIMIT $2 FOR UPDATE SKIP LOCKED)
