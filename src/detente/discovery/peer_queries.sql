-- name: keep
-- Keep what a manager told; false if a newer version is known.
SELECT peer_details_keep($1, $2, $3, $4, $5, $6, $7, $8, $9)

-- name: known
-- What is known of plans at just these OVNs.
SELECT d.subject_id, d.priority, d.body
FROM peer_details d JOIN unnest($1::uuid[], $2::text[]) AS w (id, ovn) ON w.id = d.subject_id AND w.ovn = d.ovn
WHERE d.kind = 'plan'

-- name: known_zones
-- What was told of zones at just these OVNs.
SELECT d.subject_id, d.body
FROM peer_details d JOIN unnest($1::uuid[], $2::text[]) AS w (id, ovn) ON w.id = d.subject_id AND w.ovn = d.ovn
WHERE d.kind = 'zone'

-- name: drop
-- Forget what was told of one plan or zone.
DELETE FROM peer_details WHERE subject_id = $1

-- name: forget
-- Drop a batch of what was told of plans and zones that are gone.
DELETE FROM peer_details d WHERE d.subject_id IN (
    SELECT o.subject_id FROM peer_details o
    WHERE o.received_ms < $1
      AND NOT EXISTS (SELECT 1 FROM plan p WHERE p.plan_id = o.subject_id AND p.state <> 'ended')
      AND NOT EXISTS (SELECT 1 FROM zone z WHERE z.zone_id = o.subject_id)
    ORDER BY o.received_ms LIMIT $2 FOR UPDATE SKIP LOCKED)
RETURNING d.subject_id
