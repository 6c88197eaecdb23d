-- name: begin_exchange
-- Names the exchange and states it; no row if it has a name already.
WITH begun AS (
    INSERT INTO exchange (name, created_ms) VALUES ($1, $2) ON CONFLICT DO NOTHING RETURNING name)
SELECT queue_statement('exchange.begun', $3, $4, $5, $2, 'exchange', 1, $6) FROM begun

-- name: exchange_name
-- The exchange's name; no row before `detente init`.
SELECT name FROM exchange

-- name: exchange_id
-- What stays the same of this exchange at all its addresses, also before `detente init`.
SELECT exchange_id FROM exchange_identity

-- name: lock_exchange
-- Puts key rotations in a line; no row before `detente init`.
SELECT name FROM exchange FOR UPDATE

-- name: add_party
-- Adds a party and states it; no row if the id is taken.
WITH added AS (
    INSERT INTO party (party_id, name, contact, languages, priority_limit, is_suspended, created_ms)
    VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT DO NOTHING
    RETURNING *)
SELECT added.*, queue_statement('party.added', $8, $9, $10, $7, 'party/' || party_id, version, $11) AS statement_id
FROM added

-- name: change_party
-- Changes a party if it is at the version named, and states it; no row otherwise.
WITH changed AS (
    UPDATE party SET name = $3, contact = $4, languages = $5, priority_limit = $6, is_suspended = $7,
                     version = version + 1
    WHERE party_id = $1 AND version = $2
    RETURNING *)
SELECT changed.*, queue_statement('party.changed', $8, $9, $10, $11, 'party/' || party_id, version, $12) AS statement_id
FROM changed

-- name: suspend_party
-- Suspends a party or lifts that, at whatever version, and states it; no row if it is so already.
WITH changed AS (
    UPDATE party SET is_suspended = $2, version = version + 1
    WHERE party_id = $1 AND is_suspended <> $2
    RETURNING *)
SELECT changed.*,
       queue_statement(CASE WHEN $2 THEN 'party.suspended' ELSE 'party.resumed' END, $3, $4, $5, $6,
                       'party/' || party_id, version, $7) AS statement_id
FROM changed

-- name: find_party
-- One party.
SELECT * FROM party WHERE party_id = $1

-- name: list_parties
-- All parties in order of id.
SELECT * FROM party ORDER BY party_id

-- name: add_account
-- Adds an account and states it; no row if the name or the external subject is taken.
WITH added AS (
    INSERT INTO account (account_id, party_id, kind, name, role, created_ms, secret_salt, secret_sha256,
                         external_issuer, external_subject)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) ON CONFLICT DO NOTHING
    RETURNING *)
SELECT added.*,
       queue_statement('account.added', $11, $12, $13, $6, 'account/' || account_id, version, $14) AS statement_id
FROM added

-- name: lock_account
-- One account, held until the end of the transaction.
SELECT * FROM account WHERE account_id = $1 FOR UPDATE

-- name: change_account
-- Changes an account that the transaction holds, and states it.
WITH changed AS (
    UPDATE account SET role = $2, is_disabled = $3, version = version + 1 WHERE account_id = $1
    RETURNING *)
SELECT changed.*,
       queue_statement('account.changed', $4, $5, $6, $7, 'account/' || account_id, version, $8) AS statement_id
FROM changed

-- name: change_secret
-- Replaces an account's secret and states that, without the secret; no row where a foreign issuer signs in.
WITH changed AS (
    UPDATE account SET secret_salt = $2, secret_sha256 = $3, version = version + 1
    WHERE account_id = $1 AND secret_sha256 IS NOT NULL
    RETURNING *)
SELECT changed.*,
       queue_statement('account.secret-changed', $4, $5, $6, $7, 'account/' || account_id, version, $8)
           AS statement_id
FROM changed

-- name: find_account
-- One account.
SELECT * FROM account WHERE account_id = $1

-- name: list_accounts
-- A party's accounts in order of name.
SELECT * FROM account WHERE party_id = $1 ORDER BY name, account_id

-- name: lock_party
-- Holds a party's row, so that changes among its accounts happen one after the other.
SELECT party_id FROM party WHERE party_id = $1 FOR UPDATE

-- name: count_administrators
-- Administrators who can act now whatever becomes of foreign issuers: those with a secret here.
SELECT count(*) FROM account WHERE role = 'administrator' AND NOT is_disabled AND secret_sha256 IS NOT NULL

-- name: find_credentials
-- What a secret is checked against, and whether the account may act.
SELECT account_id, party_id, role, is_disabled, is_suspended, secret_salt, secret_sha256
FROM account JOIN party USING (party_id) WHERE account_id = $1

-- name: find_standing
-- Whether an account may act, and as what.
SELECT account_id, party_id, role, is_disabled, is_suspended
FROM account JOIN party USING (party_id) WHERE account_id = $1

-- name: find_external_standing
-- The same for whom a foreign issuer names.
SELECT account_id, party_id, role, is_disabled, is_suspended
FROM account JOIN party USING (party_id) WHERE external_issuer = $1 AND external_subject = $2

-- name: list_keys
-- All signing keys, oldest first.
SELECT kid, private_pkcs8, created_ms, signs_from_ms, retires_ms FROM signing_key ORDER BY signs_from_ms, kid

-- name: forget_retired_keys
-- Removes keys that verify nothing any more.
DELETE FROM signing_key WHERE retires_ms <= $1

-- name: retire_keys
-- Gives every key that has no end yet its end.
UPDATE signing_key SET retires_ms = $1 WHERE retires_ms IS NULL

-- name: retire_keys_at_once
-- Ends every key now, those that are already on their way out too.
UPDATE signing_key SET retires_ms = greatest($1, created_ms) WHERE retires_ms IS NULL OR retires_ms > $1

-- name: add_key
-- Adds a signing key and states it by its name alone.
WITH added AS (
    INSERT INTO signing_key (kid, private_pkcs8, created_ms, signs_from_ms) VALUES ($1, $2, $3, $4)
    RETURNING kid)
SELECT queue_statement('key.rotated', $5, $6, $7, $3, 'key/' || kid, NULL, $8) FROM added
