-- Passkeys: public keys that sign people in at the console. Nothing here is a secret of theirs.

CREATE TABLE console_passkey (
    passkey_id    text   PRIMARY KEY,
    credential_id bytea  NOT NULL UNIQUE CHECK (octet_length(credential_id) BETWEEN 16 AND 1023),
    public_key    bytea  NOT NULL CHECK (octet_length(public_key) BETWEEN 1 AND 1024),
    account_id    text   NOT NULL REFERENCES account,
    name          text   NOT NULL CHECK (char_length(name) BETWEEN 1 AND 200),
    sign_count    bigint NOT NULL CHECK (sign_count BETWEEN 0 AND 4294967295),
    made_ms       bigint NOT NULL,
    used_ms       bigint,
    suspected_ms  bigint
);
COMMENT ON COLUMN console_passkey.public_key IS 'a COSE key';
COMMENT ON COLUMN console_passkey.suspected_ms IS 'when its signature counter last went back, which was refused';

CREATE INDEX console_passkey_account ON console_passkey (account_id);

-- By which passkey a session was opened, if by one: they end together. The passkey's row may be gone.
ALTER TABLE console_session ADD COLUMN passkey_id text;
CREATE INDEX console_session_passkey ON console_session (passkey_id) WHERE passkey_id IS NOT NULL;

-- Challenges that somebody has proved a passkey with; those that nobody used leave no trace.
CREATE TABLE console_challenge_used (
    nonce      bytea  PRIMARY KEY CHECK (octet_length(nonce) = 16),
    expires_ms bigint NOT NULL
);

CREATE INDEX console_challenge_used_expires ON console_challenge_used (expires_ms);

-- One row: the key that challenges are sealed with, the same at every server.
CREATE TABLE console_challenge_key (
    is_only boolean    PRIMARY KEY DEFAULT true CHECK (is_only),
    secret  digest_256 NOT NULL
);
INSERT INTO console_challenge_key (secret)
VALUES (sha256(uuid_send(gen_random_uuid()) || uuid_send(gen_random_uuid())));
