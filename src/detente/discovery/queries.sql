-- name: write_reference
-- Lock, look, decide, write, count up; see the migration for the answers.
SELECT * FROM reference_write($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20,
                              $21, $22, $23)

-- name: end_reference
-- End a reference; the answers are those of a write.
SELECT * FROM reference_end($1, $2, $3, $4, $5, $6, $7, $8, $9)

-- name: find_reference
-- One reference by its id.
SELECT plan_id, party_id, availability, version, ovn, state, sharing, start_ms, end_ms, uss_base_url, subscription_id
FROM plan_reference WHERE plan_id = $1

-- name: references_in
-- References that meet an area by cell, height and time, those that a viewer may find.
SELECT r.plan_id, r.party_id, r.availability, r.version, r.ovn, r.state, r.sharing, r.start_ms, r.end_ms, r.uss_base_url,
       r.subscription_id
FROM plan_meeting($1) m JOIN plan_reference r USING (plan_id)
WHERE r.party_id = $2 OR r.sharing <> 'conflicts'
ORDER BY r.start_ms, r.plan_id LIMIT $3

-- name: write_zone
-- Publish, change or withdraw a zone; see the migration for the answers.
SELECT * FROM zone_write($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16)

-- name: find_zone
-- One zone's reference by its id.
SELECT zone_id, party_id, availability, version, ovn, start_ms, end_ms, uss_base_url FROM zone_reference WHERE zone_id = $1

-- name: zones_in
-- References of zones that meet an area by cell, height and time.
SELECT z.zone_id, z.party_id, z.availability, z.version, z.ovn, z.start_ms, z.end_ms, z.uss_base_url
FROM zone_meeting($1) m JOIN zone_reference z USING (zone_id)
ORDER BY z.start_ms, z.zone_id LIMIT $2

-- name: write_subscription
-- Make, change or end a subscription; see the migration for the answers.
SELECT subscription_write($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18)

-- name: dependents
-- The plans that depend on a subscription.
SELECT plan_id, ovn, body FROM plan WHERE subscription_id = $1 AND subscription_id <> plan_id AND state <> 'ended'

-- name: find_subscription
-- One subscription; a plan that is hosted here is one too, from when it was first counted up.
SELECT subscription_id, party_id, version, notification_index, uss_base_url, tells_plans, tells_zones, is_implicit,
       start_ms, end_ms, plan_ids
FROM subscription_now WHERE subscription_id = $1

-- name: subscriptions_in
-- A party's own subscriptions that meet an area and are not over.
SELECT s.subscription_id, s.party_id, s.version, s.notification_index, s.uss_base_url, s.tells_plans, s.tells_zones,
       s.is_implicit, s.start_ms, s.end_ms, s.plan_ids
FROM (SELECT m.subscription_id FROM subscription_meeting($1) m
      UNION
      SELECT p.subscription_id FROM plan_meeting($1) m JOIN plan p USING (plan_id)
      JOIN subscription i ON i.subscription_id = p.subscription_id AND i.is_implicit
      WHERE p.party_id = $2) near
JOIN subscription_now s USING (subscription_id)
WHERE s.party_id = $2 AND s.end_ms >= $3
ORDER BY s.subscription_id LIMIT $4

-- name: find_availability
-- Whether a party is reachable.
SELECT party_id, availability, version FROM party_availability WHERE party_id = $1

-- name: set_availability
-- Say whether a party is reachable; null if another version stands.
SELECT party_availability_set($1, $2, $3, $4, $5, $6, $7, $8, $9)

-- name: queue_report
-- Keep a report of a communication problem as a statement.
SELECT queue_statement('report.made', $1, $2, $3, $4, $5, NULL, $6)

-- name: forget_subscriptions
-- Drop a batch of explicit subscriptions that are over and on which no plan depends; answers them.
DELETE FROM subscription s WHERE s.subscription_id IN (
    SELECT o.subscription_id FROM subscription o
    WHERE o.end_ms < $1 AND NOT EXISTS (SELECT 1 FROM plan p
                                        WHERE p.subscription_id = o.subscription_id AND p.state <> 'ended')
    ORDER BY o.end_ms LIMIT $2 FOR UPDATE SKIP LOCKED)
RETURNING s.subscription_id

-- name: forget_subscription_cells
-- Drop the rows of the index of subscriptions that are gone.
DELETE FROM subscription_cell c WHERE c.subscription_id = ANY ($1)

-- name: show_to
-- Note that a party was named a plan that shares conflicts only, and may ask for its details until then.
INSERT INTO plan_shown_to (plan_id, party_id, until_ms) SELECT u, $2, $3 FROM unnest($1::uuid[]) AS u ORDER BY u
ON CONFLICT (plan_id, party_id) DO UPDATE SET until_ms = excluded.until_ms

-- name: was_shown
-- Whether a party was named a plan that shares conflicts only.
SELECT EXISTS (SELECT 1 FROM plan_shown_to WHERE plan_id = $1 AND party_id = $2 AND until_ms > $3)

-- name: find_hosted
-- One plan in force whose details are kept here; a node tells the version and the subscription that the exchange knows,
-- and before the exchange knows of a change, the version that it will have.
SELECT r.plan_id, r.party_id, r.availability,
       CASE WHEN n.ovn IS NULL THEN r.version WHEN n.ovn = r.ovn THEN n.version ELSE greatest(r.version, n.version + 1) END
           AS version,
       r.ovn, r.state, r.sharing, r.start_ms, r.end_ms, r.uss_base_url,
       coalesce(n.subscription_id, r.subscription_id) AS subscription_id, p.body
FROM plan_reference r JOIN plan p USING (plan_id) LEFT JOIN node_reference n USING (plan_id)
WHERE r.plan_id = $1 AND NOT r.is_elsewhere

-- name: find_hosted_zone
-- One zone whose details are kept here.
SELECT r.zone_id, r.party_id, r.availability, r.version, r.ovn, r.start_ms, r.end_ms, r.uss_base_url, z.body
FROM zone_reference r JOIN zone z USING (zone_id) WHERE r.zone_id = $1 AND NOT r.is_elsewhere

-- name: forget_shown
-- Drop a batch of the notes of which hidden plans were named to whom, when their hour is over; answers them.
DELETE FROM plan_shown_to s WHERE (s.plan_id, s.party_id) IN (
    SELECT o.plan_id, o.party_id FROM plan_shown_to o WHERE o.until_ms < $1 ORDER BY o.until_ms LIMIT $2
    FOR UPDATE SKIP LOCKED)
RETURNING s.plan_id

-- name: expire_zones
-- End a batch of references of zones that are long over; answers how many.
SELECT zone_expire($1, $2)
