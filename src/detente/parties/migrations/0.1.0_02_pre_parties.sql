-- Who takes part: the exchange's own name, parties, their accounts, and the keys that sign tokens.

-- One row: that it exists says the exchange is initialised. Locked to put key rotations in a line.
CREATE TABLE exchange (
    is_only    boolean PRIMARY KEY DEFAULT true CHECK (is_only),
    name       text    NOT NULL CHECK (char_length(name) BETWEEN 1 AND 200),
    created_ms bigint  NOT NULL
);

CREATE TABLE party (
    party_id       text    PRIMARY KEY CHECK (party_id ~ '^[a-z0-9][a-z0-9-]{0,62}$'),
    name           text    NOT NULL CHECK (char_length(name) BETWEEN 1 AND 200),
    contact        text    NOT NULL CHECK (char_length(contact) <= 500),
    languages      text[]  NOT NULL CHECK (cardinality(languages) BETWEEN 1 AND 8),
    priority_limit integer NOT NULL CHECK (priority_limit BETWEEN 0 AND 100),
    is_suspended   boolean NOT NULL DEFAULT false,
    version        integer NOT NULL DEFAULT 1,
    created_ms     bigint  NOT NULL,
    -- A suspended host could let nobody back in.
    CHECK (party_id <> 'exchange' OR NOT is_suspended)
);

CREATE TABLE account (
    account_id       text    PRIMARY KEY CHECK (account_id ~ '^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$'),
    party_id         text    NOT NULL REFERENCES party,
    kind             text    NOT NULL CHECK (kind IN ('person', 'service')),
    name             text    NOT NULL CHECK (char_length(name) BETWEEN 1 AND 200),
    role             text    NOT NULL
        CHECK (role IN ('planner', 'duty_officer', 'authority', 'observer', 'administrator')),
    is_disabled      boolean NOT NULL DEFAULT false,
    version          integer NOT NULL DEFAULT 1,
    created_ms       bigint  NOT NULL,
    -- SHA-256 of salt and secret. Enough for 256 random bits, which no dictionary holds; never a password.
    secret_salt      bytea   CHECK (octet_length(secret_salt) = 16),
    secret_sha256    bytea   CHECK (octet_length(secret_sha256) = 32),
    external_issuer  text    CHECK (char_length(external_issuer) BETWEEN 1 AND 500),
    external_subject text    CHECK (char_length(external_subject) BETWEEN 1 AND 500),
    UNIQUE (party_id, name),
    UNIQUE (external_issuer, external_subject),
    CHECK ((secret_salt IS NULL) = (secret_sha256 IS NULL)),
    CHECK ((external_issuer IS NULL) = (external_subject IS NULL)),
    -- One way in for each account: a secret of ours or an issuer of theirs.
    CHECK ((secret_sha256 IS NULL) <> (external_subject IS NULL)),
    CHECK (role <> 'administrator' OR party_id = 'exchange')
);

CREATE TABLE signing_key (
    kid           text   PRIMARY KEY CHECK (char_length(kid) = 43),
    private_pkcs8 bytea  NOT NULL,
    created_ms    bigint NOT NULL,
    signs_from_ms bigint NOT NULL,
    retires_ms    bigint,
    CHECK (created_ms <= signs_from_ms),
    CHECK (retires_ms IS NULL OR retires_ms >= created_ms)
);

-- One key without a successor at any time: what a second rotation in the same moment would break.
CREATE UNIQUE INDEX signing_key_newest ON signing_key ((true)) WHERE retires_ms IS NULL;
