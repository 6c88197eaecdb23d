-- name: write
-- Lock, look, decide, write, queue the statement; see the migration for the answers.
SELECT * FROM plan_write($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20,
                         $21, $22, $23, $24, $25, $26, $27, $28, $29, $30, $31)

-- name: kept_answer
-- What an idempotency key was first answered.
SELECT request_sha256, status, response FROM plan_idempotency WHERE account_id = $1 AND key = $2

-- name: carried_out
-- The plan as a request left it, if it was carried out and nothing followed.
SELECT plan_id, version, ovn, party_id, state, priority, sharing, start_ms, end_ms, changed_ms, body, is_elsewhere
FROM plan WHERE plan_id = $1 AND party_id = $2 AND request_sha256 = $3 AND version = $4

-- name: seed_locks
-- Make the rows that a declaration locks, where they are missing; in key order, as they are locked.
INSERT INTO plan_cell_lock (parent) SELECT u FROM unnest($1::bigint[]) AS u ORDER BY u ON CONFLICT DO NOTHING

-- name: find
-- One plan by its id.
SELECT plan_id, version, ovn, party_id, state, priority, sharing, start_ms, end_ms, changed_ms, body, is_elsewhere
FROM plan WHERE plan_id = $1

-- name: changed
-- Plans by their ids, as they stand, and since which version others no longer see them.
SELECT plan_id, version, ovn, party_id, state, priority, sharing, start_ms, end_ms, changed_ms, body, is_elsewhere, hidden_from
FROM plan WHERE plan_id = ANY ($1)

-- name: neighbours
-- Plans in force whose index rows meet those asked about, with the volumes that do.
SELECT p.plan_id, p.version, p.ovn, p.party_id, p.state, p.priority, p.sharing, n.volume_ixs, p.body, p.is_elsewhere,
       p.uss_base_url, p.is_elsewhere AND party_is_down(p.party_id) AS is_down
FROM (SELECT f.plan_id, array_agg(f.volume_ix) AS volume_ixs
      FROM plan_near($1) f GROUP BY f.plan_id) n
JOIN plan p USING (plan_id)
ORDER BY p.start_ms, p.plan_id LIMIT $2

-- name: page
-- One page of the plans that a viewer may see, by party, state and time, ordered by start and id.
SELECT plan_id, version, ovn, party_id, state, priority, sharing, start_ms, end_ms, changed_ms, body, is_elsewhere
FROM plan
WHERE (party_id = $1 OR sharing <> 'conflicts')
  AND ($2::text IS NULL OR party_id = $2) AND state = ANY ($3)
  AND ($4::bigint IS NULL OR end_ms > $4) AND ($5::bigint IS NULL OR start_ms < $5)
  AND (start_ms, plan_id) > ($6, $7)
ORDER BY start_ms, plan_id LIMIT $8

-- name: page_in_area
-- The same among the plans whose index rows meet an area; plans that have ended are looked for only if asked for.
SELECT plan_id, version, ovn, party_id, state, priority, sharing, start_ms, end_ms, changed_ms, body, is_elsewhere
FROM plan
WHERE plan_id IN (
        SELECT f.plan_id FROM plan_neighbours($9) f
        UNION ALL
        SELECT f.plan_id FROM plan_neighbours_ended($9) f WHERE 'ended' = ANY ($3))
  AND (party_id = $1 OR sharing <> 'conflicts')
  AND ($2::text IS NULL OR party_id = $2) AND state = ANY ($3)
  AND ($4::bigint IS NULL OR end_ms > $4) AND ($5::bigint IS NULL OR start_ms < $5)
  AND (start_ms, plan_id) > ($6, $7)
ORDER BY start_ms, plan_id LIMIT $8

-- name: own_page
-- One page of a party's plans that have not ended, by state and time, ordered by start and id.
SELECT plan_id, version, ovn, party_id, state, priority, sharing, start_ms, end_ms, changed_ms, body, is_elsewhere
FROM plan
WHERE party_id = $1 AND state <> 'ended' AND state = ANY ($2)
  AND ($3::bigint IS NULL OR end_ms > $3) AND ($4::bigint IS NULL OR start_ms < $4)
  AND (start_ms, plan_id) > ($5, $6)
ORDER BY start_ms, plan_id LIMIT $7

-- name: expire
-- End a batch of plans whose time is over; answers how many.
SELECT plan_expire($1, $2)

-- name: forget_keys
-- Drop idempotency keys older than an instant.
DELETE FROM plan_idempotency WHERE at_ms < $1

-- name: separations
-- All separation rules, with the count of their changes.
SELECT e.epoch, r.party_a, r.party_b, r.horizontal_m, r.vertical_m, r.time_s
FROM separation_epoch e LEFT JOIN separation_rule r ON true ORDER BY r.party_a, r.party_b

-- name: write_separation
-- Set or remove one separation rule and queue the statement; false if there was nothing to remove.
SELECT separation_write($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
