-- name: pend
-- Note what the exchange is about to be asked; false if something is under way for the plan or it has moved on.
SELECT node_pend($1, $2, $3, $4, $5, $6, $7, $8)

-- name: pending_of
-- What is under way for one plan.
SELECT plan_id, ovn, named_ovn, is_end, sent, write, made_ms FROM node_pending WHERE plan_id = $1

-- name: pending_before
-- What has been under way since before an instant, oldest first.
SELECT plan_id, ovn, named_ovn, is_end, sent, write, made_ms FROM node_pending WHERE made_ms < $1 ORDER BY made_ms LIMIT $2

-- name: forget_pending
-- Something is under way no more; answers its plan if it was.
DELETE FROM node_pending WHERE plan_id = $1 AND ovn = $2 RETURNING plan_id

-- name: reference_of
-- How the exchange has a plan, as far as is known.
SELECT plan_id, ovn, version, subscription_id FROM node_reference WHERE plan_id = $1

-- name: keep_reference
-- Write down how the exchange has a plan; null: no more.
SELECT node_keep_reference($1, $2, $3, $4)

-- name: untold
-- The party's plans that stand otherwise here than at the exchange, or not at all, and that nothing is under way for.
SELECT r.plan_id, r.ovn, r.version, r.subscription_id, coalesce(p.ovn, '') AS here_ovn, coalesce(p.state, 'ended') AS state,
       coalesce(p.body, '') AS body
FROM node_reference r LEFT JOIN plan p USING (plan_id)
WHERE r.ovn IS DISTINCT FROM p.ovn AND ($1::uuid IS NULL OR r.plan_id = $1)
  AND NOT EXISTS (SELECT 1 FROM node_pending n WHERE n.plan_id = r.plan_id)
ORDER BY p.changed_ms LIMIT $2

-- name: adopt_ovn
-- The plan has the OVN that the exchange gave it, unless it has moved on.
UPDATE plan SET ovn = $3 WHERE plan_id = $1 AND ovn = $2

-- name: queue_notice
-- Queue one notice.
SELECT notice_queue($1, 'plan', $2, $3, $4, $5)

-- name: mirror
-- Keep another party's plan as it was told.
SELECT node_mirror($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)

-- name: mirror_end
-- Another party's plan is no more.
SELECT node_mirror_end($1, $2, $3)

-- name: mirrored
-- Other parties' plans in force that are kept here: in an area by cell, height and time, or by their ids.
SELECT p.plan_id, p.version, p.ovn, p.party_id FROM plan p
WHERE p.is_elsewhere AND p.state <> 'ended'
  AND (p.plan_id = ANY ($2::uuid[]) OR p.plan_id IN (SELECT m.plan_id FROM plan_meeting($1) m))

-- name: own_standings
-- How the party's own plans stand here, how the exchange has them as far as is known, and whether something is under way.
SELECT u AS plan_id, p.ovn AS here_ovn, r.ovn AS kept_ovn, n.plan_id IS NOT NULL AS is_under_way
FROM unnest($1::uuid[]) AS u
LEFT JOIN plan p ON p.plan_id = u AND NOT p.is_elsewhere AND p.state <> 'ended'
LEFT JOIN node_reference r ON r.plan_id = u
LEFT JOIN node_pending n ON n.plan_id = u

-- name: availability
-- What the exchange tells of a party.
SELECT node_availability($1, $2, $3)
