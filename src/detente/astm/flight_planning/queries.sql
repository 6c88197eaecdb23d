-- name: find_flight
-- The plan of a harness' flight; no row if nothing was ever asked of it.
SELECT plan_id FROM harness_flight WHERE party_id = $1 AND flight_plan_id = $2

-- name: begin_flight
-- Gives a flight its plan's id; the first to ask decides, and everybody is answered the same.
INSERT INTO harness_flight AS f (party_id, flight_plan_id, plan_id) VALUES ($1, $2, $3)
ON CONFLICT (party_id, flight_plan_id) DO UPDATE SET plan_id = f.plan_id
RETURNING plan_id

-- name: renew_flight
-- Gives a flight another plan's id in place of one that has ended; no row if somebody else was quicker.
UPDATE harness_flight SET plan_id = $4 WHERE party_id = $1 AND flight_plan_id = $2 AND plan_id = $3
RETURNING plan_id

-- name: kept_answer
-- What a request was first answered.
SELECT request_sha256, answer FROM harness_request WHERE party_id = $1 AND request_key = $2

-- name: keep_answer
-- Keeps the answer to a request; the first stays, and everybody is given it.
INSERT INTO harness_request AS r (party_id, request_key, request_sha256, answer, at_ms) VALUES ($1, $2, $3, $4, $5)
ON CONFLICT (party_id, request_key) DO UPDATE SET at_ms = r.at_ms
RETURNING request_sha256, answer

-- name: notify
-- Tells the user of conflicts of a plan, if any of them was not told yet.
WITH fresh AS (
    INSERT INTO harness_told (party_id, mine, other, at_ms) SELECT $1, $3, other, $7 FROM unnest($4::text[]) AS other
    ON CONFLICT DO NOTHING RETURNING 1)
INSERT INTO harness_notification (party_id, plan_id, conflicts, message, observed_ms)
SELECT $1, $2, $5, $6, $7 WHERE EXISTS (SELECT 1 FROM fresh)

-- name: notifications
-- What the user was told between two instants, both included, oldest first.
SELECT conflicts, message, observed_ms FROM harness_notification
WHERE party_id = $1 AND observed_ms BETWEEN $2 AND $3 ORDER BY observed_ms, notification_id LIMIT $4

-- name: reader
-- How far the changes were looked at; no row before the first look.
SELECT xact, statement_id FROM harness_reader WHERE party_id = $1

-- name: advance_reader
-- Notes how far the changes were looked at; never back.
INSERT INTO harness_reader AS r (party_id, xact, statement_id) VALUES ($1, $2, $3)
ON CONFLICT (party_id) DO UPDATE SET xact = excluded.xact, statement_id = excluded.statement_id
WHERE (r.xact, r.statement_id) < (excluded.xact, excluded.statement_id) OR r.xact > $4

-- name: forget
-- Drops requests, notifications and what was told of in tests long over.
WITH requests AS (DELETE FROM harness_request WHERE at_ms < $1),
     told AS (DELETE FROM harness_told WHERE at_ms < $1)
DELETE FROM harness_notification WHERE observed_ms < $1
