-- name: make_link
-- Makes a link for an account that may act, and states it; no row for any other. Held as in redeem_link.
WITH wanted AS MATERIALIZED (
    SELECT account_id, party_id FROM account WHERE account_id = $3),
held_party AS MATERIALIZED (
    SELECT party_id FROM party JOIN wanted USING (party_id) WHERE NOT is_suspended FOR SHARE OF party),
held AS MATERIALIZED (
    SELECT account.account_id FROM account JOIN wanted USING (account_id) JOIN held_party ON true
    WHERE NOT account.is_disabled FOR SHARE OF account),
made AS (
    INSERT INTO console_link (link_id, code_sha256, account_id, made_ms, expires_ms)
    SELECT $1, $2, account_id, $4, $5 FROM held
    RETURNING link_id)
SELECT queue_statement('link.made', $6, $7, $8, $4, 'link/' || link_id, NULL, $9) FROM made

-- name: redeem_link
-- Uses a link once, opens a session and states it; no row if the link or its account is not good.
-- The party, then the account are held, so that a stop either comes first and is seen or ends this session.
WITH wanted AS MATERIALIZED (
    SELECT account_id, party_id FROM console_link JOIN account USING (account_id) WHERE code_sha256 = $1),
held_party AS MATERIALIZED (
    SELECT party.* FROM party JOIN wanted USING (party_id) WHERE NOT is_suspended FOR SHARE OF party),
held AS MATERIALIZED (
    SELECT account.* FROM account JOIN wanted USING (account_id) JOIN held_party ON true
    WHERE NOT account.is_disabled FOR SHARE OF account),
used AS (
    UPDATE console_link SET used_ms = $4 FROM held
    WHERE code_sha256 = $1 AND used_ms IS NULL AND expires_ms > $4 AND held.account_id = console_link.account_id
    RETURNING link_id),
opened AS (
    INSERT INTO console_session (session_id, cookie_sha256, account_id, party_id, made_ms, seen_ms, expires_ms)
    SELECT $2, $3, account_id, party_id, $4, $4, $5 FROM held CROSS JOIN used
    RETURNING *)
SELECT session_id, opened.made_ms, seen_ms, expires_ms, opened.account_id, held.name AS account_name, role,
       opened.party_id, held_party.name AS party_name, languages, exchange.name AS exchange_name,
       queue_statement('session.opened', opened.party_id, opened.account_id, NULL, $4, 'session/' || session_id, NULL,
                       convert_to(json_build_object('session_id', session_id, 'link_id', link_id,
                                                    'expires_ms', expires_ms)::text, 'UTF8')) AS statement_id
FROM opened CROSS JOIN used CROSS JOIN held CROSS JOIN held_party CROSS JOIN exchange

-- name: find_session
-- The session of a cookie, if it is open at the instant and was used since the other one.
SELECT session_id, made_ms, seen_ms, expires_ms, account_id, account.name AS account_name, role,
       console_session.party_id, party.name AS party_name, languages, exchange.name AS exchange_name
FROM console_session
JOIN account USING (account_id)
JOIN party ON party.party_id = console_session.party_id
CROSS JOIN exchange
WHERE cookie_sha256 = $1 AND ended_ms IS NULL AND expires_ms > $2 AND seen_ms > $3
  AND NOT is_disabled AND NOT is_suspended

-- name: list_sessions
-- A party's sessions that are open at the instant and were used since the other one, oldest first.
SELECT session_id, made_ms, seen_ms, expires_ms, account_id, account.name AS account_name, role,
       console_session.party_id, party.name AS party_name, languages, exchange.name AS exchange_name
FROM console_session
JOIN account USING (account_id)
JOIN party ON party.party_id = console_session.party_id
CROSS JOIN exchange
WHERE console_session.party_id = $1 AND ended_ms IS NULL AND expires_ms > $2 AND seen_ms > $3
  AND NOT is_disabled AND NOT is_suspended
ORDER BY made_ms, session_id LIMIT $4

-- name: touch_session
-- Writes down that a session was used, unless another request did so meanwhile.
UPDATE console_session SET seen_ms = $2 WHERE session_id = $1 AND seen_ms < $2 AND ended_ms IS NULL

-- name: end_session
-- Ends a party's session that is open at the instant, used since the other one, and states it; else no row.
WITH ended AS (
    UPDATE console_session SET ended_ms = greatest(made_ms, $3)
    WHERE session_id = $1 AND party_id = $2 AND ended_ms IS NULL AND expires_ms > $3 AND seen_ms > $4
    RETURNING session_id, account_id)
SELECT queue_statement('session.ended', $2, $5, NULL, $3, 'session/' || session_id, NULL,
                       convert_to(json_build_object('session_id', session_id, 'account_id', account_id,
                                                    'by_session_id', $6::text)::text, 'UTF8'))
FROM ended

-- name: forget_links
-- Removes links that ended before the instant; those that somebody holds wait for the next time.
DELETE FROM console_link WHERE link_id IN (
    SELECT link_id FROM console_link WHERE expires_ms < $1 FOR UPDATE SKIP LOCKED)

-- name: forget_sessions
-- Removes sessions that ended before the instant; those that somebody holds wait for the next time.
DELETE FROM console_session WHERE session_id IN (
    SELECT session_id FROM console_session WHERE least(expires_ms, ended_ms) < $1 FOR UPDATE SKIP LOCKED)
