-- name: challenge_key
-- Reads the key that challenges are sealed with.
SELECT secret FROM console_challenge_key

-- name: use_challenge
-- Writes down that a challenge was used; no row if it was before, at whichever server.
INSERT INTO console_challenge_used (nonce, expires_ms) VALUES ($1, $2) ON CONFLICT DO NOTHING RETURNING nonce

-- name: forget_challenges
-- Removes used challenges that expired before the instant; those that somebody holds wait for the next time.
DELETE FROM console_challenge_used WHERE nonce IN (
    SELECT nonce FROM console_challenge_used WHERE expires_ms < $1 LIMIT 1000 FOR UPDATE SKIP LOCKED)

-- name: find_credential
-- The key of a credential, to check an answer with; whether its account may act is asked when it is held.
SELECT passkey_id, account_id, public_key FROM console_passkey WHERE credential_id = $1

-- name: hold_passkey
-- Holds the passkey of an account that may act, and gives its counter; no row for any other.
-- The party, the account, then the passkey are held: a stop or a removal comes first, or ends this session.
WITH wanted AS MATERIALIZED (
    SELECT account_id, party_id FROM console_passkey JOIN account USING (account_id) WHERE passkey_id = $1),
held_party AS MATERIALIZED (
    SELECT party.party_id FROM party JOIN wanted USING (party_id) WHERE NOT is_suspended FOR SHARE OF party),
held AS MATERIALIZED (
    SELECT account.account_id FROM account JOIN wanted USING (account_id) JOIN held_party ON true
    WHERE NOT account.is_disabled FOR SHARE OF account)
SELECT sign_count FROM console_passkey JOIN held USING (account_id) WHERE passkey_id = $1
FOR UPDATE OF console_passkey

-- name: open_session
-- Opens a session with a passkey that is held, writes its counter down, and states it.
WITH used AS (
    UPDATE console_passkey SET sign_count = $2, used_ms = $5 WHERE passkey_id = $1
    RETURNING passkey_id, account_id),
opened AS (
    INSERT INTO console_session
        (session_id, cookie_sha256, account_id, party_id, passkey_id, made_ms, seen_ms, expires_ms)
    SELECT $3, $4, account_id, party_id, passkey_id, $5, $5, $6 FROM used JOIN account USING (account_id)
    RETURNING *)
SELECT session_id, made_ms, seen_ms, expires_ms, opened.account_id, account.name AS account_name, role,
       opened.party_id, party.name AS party_name, languages, exchange.name AS exchange_name,
       queue_statement('session.opened', opened.party_id, opened.account_id, NULL, $5, 'session/' || session_id, NULL,
                       convert_to(json_build_object('session_id', session_id, 'passkey_id', passkey_id,
                                                    'expires_ms', expires_ms)::text, 'UTF8')) AS statement_id
FROM opened
JOIN account ON account.account_id = opened.account_id
JOIN party ON party.party_id = opened.party_id
CROSS JOIN exchange

-- name: suspect
-- Writes down that a passkey's counter went back, and states it; the counter stays as it was.
WITH suspected AS (
    UPDATE console_passkey SET suspected_ms = $3 WHERE passkey_id = $1 RETURNING *)
SELECT queue_statement('passkey.suspected', party_id, account_id, NULL, $3, 'passkey/' || passkey_id, NULL,
                       convert_to(json_build_object('passkey_id', passkey_id, 'known_count', sign_count,
                                                    'shown_count', $2::bigint)::text, 'UTF8'))
FROM suspected JOIN account USING (account_id)

-- name: hold_adding
-- Holds an open session and its account, that may act, and counts the account's passkeys; else no row.
WITH held_party AS MATERIALIZED (
    SELECT party_id FROM party WHERE party_id = $2 AND NOT is_suspended FOR SHARE),
held AS MATERIALIZED (
    SELECT account.account_id FROM account JOIN held_party USING (party_id)
    WHERE account_id = $3 AND NOT is_disabled FOR NO KEY UPDATE OF account)
SELECT account_id FROM console_session JOIN held USING (account_id)
WHERE session_id = $1 AND ended_ms IS NULL AND expires_ms > $4
FOR SHARE OF console_session

-- name: count_passkeys
-- How many passkeys an account has; asked while the account is held.
SELECT count(*) AS size FROM console_passkey WHERE account_id = $1

-- name: add_passkey
-- Adds a passkey to an account that is held, and states it; no row if the credential is known already.
WITH added AS (
    INSERT INTO console_passkey (passkey_id, credential_id, public_key, account_id, name, sign_count, made_ms)
    VALUES ($1, $2, $3, $4, $5, $6, $7)
    ON CONFLICT (credential_id) DO NOTHING
    RETURNING *)
SELECT added.passkey_id, added.account_id, account.name AS account_name, party_id, added.name, credential_id,
       made_ms, used_ms, suspected_ms,
       queue_statement('passkey.added', party_id, added.account_id, NULL, $7, 'passkey/' || passkey_id, NULL,
                       convert_to(json_build_object('passkey_id', passkey_id, 'name', added.name,
                                                    'algorithm', $8::integer, 'session_id', $9::text,
                                                    'credential_sha256', encode(sha256(credential_id), 'hex'),
                                                    'public_key_sha256', encode(sha256(public_key), 'hex')
                                                    )::text, 'UTF8')) AS statement_id
FROM added JOIN account ON account.account_id = added.account_id

-- name: list_passkeys
-- A party's passkeys, by account and age.
SELECT passkey_id, account_id, account.name AS account_name, party_id, console_passkey.name, credential_id,
       made_ms, used_ms, suspected_ms
FROM console_passkey JOIN account USING (account_id)
WHERE party_id = $1 AND ($2::text IS NULL OR account_id = $2)
ORDER BY account.name, made_ms, passkey_id LIMIT $3

-- name: rename_passkey
-- Renames an account's own passkey, and states it; no row if it has no such one.
WITH before AS MATERIALIZED (
    SELECT passkey_id, name FROM console_passkey WHERE passkey_id = $1 AND account_id = $2 FOR UPDATE),
renamed AS (
    UPDATE console_passkey SET name = $3 FROM before WHERE console_passkey.passkey_id = before.passkey_id
    RETURNING console_passkey.*, before.name AS before)
SELECT renamed.passkey_id, renamed.account_id, account.name AS account_name, party_id, renamed.name, credential_id,
       made_ms, used_ms, suspected_ms,
       queue_statement('passkey.renamed', party_id, renamed.account_id, NULL, $4, 'passkey/' || passkey_id, NULL,
                       convert_to(json_build_object('passkey_id', passkey_id, 'name', renamed.name,
                                                    'before', before)::text, 'UTF8')) AS statement_id
FROM renamed JOIN account ON account.account_id = renamed.account_id

-- name: remove_passkey
-- Removes a party's passkey, of the named account only if there is one, and states it; else no row.
WITH removed AS (
    DELETE FROM console_passkey USING account
    WHERE passkey_id = $1 AND account.account_id = console_passkey.account_id AND party_id = $2
      AND ($3::text IS NULL OR console_passkey.account_id = $3)
    RETURNING passkey_id, console_passkey.account_id, console_passkey.name)
SELECT queue_statement('passkey.removed', $4, $5, NULL, $6, 'passkey/' || passkey_id, NULL,
                       convert_to(json_build_object('passkey_id', passkey_id, 'account_id', account_id, 'name', name,
                                                    'by_session_id', $7::text)::text, 'UTF8'))
FROM removed

-- name: end_sessions
-- Ends the open sessions that a passkey opened, but for the one that asks, and states each. Asked after the
-- removal, which waits for a sign-in under way: by now its session is there.
WITH ended AS (
    UPDATE console_session SET ended_ms = greatest(made_ms, $4)
    WHERE passkey_id = $1 AND ended_ms IS NULL AND expires_ms > $4 AND session_id IS DISTINCT FROM $5
    RETURNING session_id, account_id)
SELECT queue_statement('session.ended', $2, $3, NULL, $4, 'session/' || session_id, NULL,
                       convert_to(json_build_object('session_id', session_id, 'account_id', account_id,
                                                    'by_session_id', $5::text, 'passkey_id', $1::text)::text, 'UTF8'))
FROM ended
