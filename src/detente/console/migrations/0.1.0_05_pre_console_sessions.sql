-- Who is signed in at the console. Of a link's code and of a cookie's value only the SHA-256 is kept: enough
-- for 256 random bits. Rows may be forgotten a day after their end; the statements about them stay.

CREATE TABLE console_link (
    link_id     text       PRIMARY KEY,
    code_sha256 digest_256 NOT NULL UNIQUE,
    account_id  text       NOT NULL REFERENCES account,
    made_ms     bigint     NOT NULL,
    expires_ms  bigint     NOT NULL,
    used_ms     bigint,
    CHECK (expires_ms > made_ms AND expires_ms <= made_ms + 86400000),
    CHECK (used_ms < expires_ms)
);

CREATE INDEX console_link_account ON console_link (account_id);

CREATE TABLE console_session (
    session_id    text       PRIMARY KEY,
    cookie_sha256 digest_256 NOT NULL UNIQUE,
    account_id    text       NOT NULL REFERENCES account,
    party_id      text       NOT NULL REFERENCES party,
    made_ms       bigint     NOT NULL,
    seen_ms       bigint     NOT NULL,
    expires_ms    bigint     NOT NULL,
    ended_ms      bigint,
    CHECK (expires_ms > made_ms AND expires_ms <= made_ms + 43200000),
    CHECK (seen_ms >= made_ms),
    CHECK (ended_ms >= made_ms)
);

CREATE INDEX console_session_account ON console_session (account_id);
CREATE INDEX console_session_party ON console_session (party_id);

-- A stopped account's sessions end for good, and its links with them: enabling it again revives neither.
-- The statement of the stop (account.changed, party.suspended, party.changed) says why.
CREATE FUNCTION console_stop_account() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    UPDATE console_session
    SET ended_ms = greatest(made_ms, (extract(epoch FROM clock_timestamp()) * 1000)::bigint)
    WHERE account_id = NEW.account_id AND ended_ms IS NULL;
    DELETE FROM console_link WHERE account_id = NEW.account_id AND used_ms IS NULL;
    RETURN NULL;
END $$;

CREATE FUNCTION console_stop_party() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    UPDATE console_session
    SET ended_ms = greatest(made_ms, (extract(epoch FROM clock_timestamp()) * 1000)::bigint)
    WHERE party_id = NEW.party_id AND ended_ms IS NULL;
    DELETE FROM console_link USING account
    WHERE account.account_id = console_link.account_id AND account.party_id = NEW.party_id AND used_ms IS NULL;
    RETURN NULL;
END $$;

CREATE TRIGGER console_stop AFTER UPDATE OF is_disabled ON account
    FOR EACH ROW WHEN (NEW.is_disabled AND NOT OLD.is_disabled) EXECUTE FUNCTION console_stop_account();
CREATE TRIGGER console_stop AFTER UPDATE OF is_suspended ON party
    FOR EACH ROW WHEN (NEW.is_suspended AND NOT OLD.is_suspended) EXECUTE FUNCTION console_stop_party();
