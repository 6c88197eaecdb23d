-- name: take
-- Lease what is due: the first in each line only, a few of each URL, none that another worker holds.
WITH near AS (
    SELECT n.notice_id, n.uss_base_url, n.due_ms FROM notice n
    WHERE n.due_ms <= $1 AND (n.lease_until_ms IS NULL OR n.lease_until_ms <= $1)
      AND n.uss_base_url <> ALL ($4::text[])
      AND ($6::text IS NULL OR n.party_id = $6)
      -- No join (NOT EXISTS becomes one): a long line would be compared with itself, each with each.
      AND n.notice_id = (SELECT e.notice_id FROM notice e
                         WHERE e.subject_id = n.subject_id AND e.uss_base_url = n.uss_base_url
                         ORDER BY e.subject_id, e.uss_base_url, e.notice_id LIMIT 1)
    ORDER BY n.due_ms, n.notice_id LIMIT 500),
fair AS (
    SELECT notice_id, row_number() OVER (PARTITION BY uss_base_url ORDER BY due_ms, notice_id) AS place FROM near),
mine AS (
    SELECT n.notice_id FROM fair f JOIN notice n ON n.notice_id = f.notice_id
    WHERE f.place <= $5 AND (n.lease_until_ms IS NULL OR n.lease_until_ms <= $1)
    ORDER BY f.place, n.due_ms, n.notice_id LIMIT $2 FOR UPDATE OF n SKIP LOCKED)
UPDATE notice n SET lease_until_ms = $1 + $3, attempts = n.attempts + 1
FROM mine WHERE n.notice_id = mine.notice_id
RETURNING n.notice_id, n.party_id, n.kind, n.subject_id, n.uss_base_url, n.subscriptions, n.made_ms, n.attempts

-- name: delivered
-- A notice was received: it goes, and the next in its line is due.
SELECT notice_leave($1, $2)

-- name: failed
-- A notice is tried again later, and so is all that waits behind it.
WITH held AS (
    SELECT n.subject_id, n.uss_base_url FROM notice n WHERE n.notice_id = $1 AND n.attempts = $2),
freed AS (
    UPDATE notice n SET lease_until_ms = NULL, due_ms = $3 WHERE n.notice_id = $1 AND n.attempts = $2),
behind AS (
    UPDATE notice n SET due_ms = $3 FROM held h
    WHERE n.subject_id = h.subject_id AND n.uss_base_url = h.uss_base_url AND n.notice_id > $1 AND n.due_ms < $3)
SELECT count(*) > 0 FROM held

-- name: give_up
-- A notice will never be received: it is kept with the reason, and the next in its line is due.
SELECT notice_give_up($1, $2, $3, $4)

-- name: undelivered
-- The newest of the notices that were given up.
SELECT notice_id, party_id, kind, subject_id, uss_base_url, subscriptions, made_ms, attempts, given_up_ms, reason
FROM notice_undelivered ORDER BY given_up_ms DESC, notice_id DESC LIMIT $1

-- name: forget_undelivered
-- Drop a batch of the notices that were given up before an instant.
WITH old AS (
    SELECT notice_id FROM notice_undelivered WHERE given_up_ms < $1 ORDER BY given_up_ms LIMIT $2
    FOR UPDATE SKIP LOCKED),
gone AS (
    DELETE FROM notice_undelivered u USING old WHERE u.notice_id = old.notice_id RETURNING 1)
SELECT count(*) FROM gone
