-- The queue of statements: what every verb writes in the transaction of its act. Rows never change;
-- the sequencer takes ids out of statement_queue once they stand in the record's tree.
CREATE DOMAIN statement_type AS text CHECK (VALUE ~ '^[a-z]+\.[a-z-]+$');
CREATE DOMAIN digest_256 AS bytea CHECK (octet_length(VALUE) = 32);

CREATE TABLE statement (
    statement_id    bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    type            statement_type NOT NULL,
    party_id        text   NOT NULL,
    account_id      text   NOT NULL,
    token_sha256    digest_256,
    at_ms           bigint NOT NULL,
    subject         text   NOT NULL,
    subject_version integer,
    content         bytea  NOT NULL,
    content_sha256  bytea  NOT NULL GENERATED ALWAYS AS (sha256(content)) STORED,
    xact            xid8   NOT NULL DEFAULT pg_current_xact_id()
);
COMMENT ON COLUMN statement.xact IS 'the transaction that wrote the statement: what readers who follow commits go by';

CREATE INDEX statement_subject ON statement (subject, statement_id);
CREATE INDEX statement_feed ON statement (xact, statement_id);

-- What readers of the feed are told beside statements: that something changed which is no act and stands in no record,
-- such as a memory. Kept for as long as a reader may come back (`feed_forget_notes`), then dropped. Ids lie far above
-- those of statements, so that no note shares its place in the feed with a statement of its transaction.
CREATE TABLE feed_note (
    note_id      bigint GENERATED ALWAYS AS IDENTITY (START WITH 4611686018427387904),
    xact         xid8           NOT NULL DEFAULT pg_current_xact_id(),
    type         statement_type NOT NULL,
    subject      text           NOT NULL,
    cause        text,
    left_parties text[]         NOT NULL,
    was_public   boolean        NOT NULL,
    noted_at     timestamptz    NOT NULL DEFAULT now(),
    PRIMARY KEY (xact, note_id)
);
COMMENT ON COLUMN feed_note.cause IS 'the other thing whose change changed what may be known of the subject; null: itself';
COMMENT ON COLUMN feed_note.left_parties IS 'who could know of the subject by its own terms before, and no longer can by them';
COMMENT ON COLUMN feed_note.was_public IS 'whether everybody could know of the subject before';
CREATE INDEX feed_note_age ON feed_note (noted_at);

-- One row: the secret that hides positions in the feed from those who are given them (record/cursor.py).
CREATE TABLE statement_feed_key (
    is_only boolean    PRIMARY KEY DEFAULT true CHECK (is_only),
    secret  digest_256 NOT NULL
);
INSERT INTO statement_feed_key (secret) VALUES (sha256(uuid_send(gen_random_uuid()) || uuid_send(gen_random_uuid())));

CREATE TABLE statement_queue (
    statement_id bigint PRIMARY KEY
);

CREATE FUNCTION statement_is_immutable() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'statements are never changed or deleted' USING ERRCODE = 'restrict_violation';
END $$;

CREATE TRIGGER statement_immutable BEFORE UPDATE OR DELETE ON statement
    FOR EACH ROW EXECUTE FUNCTION statement_is_immutable();
CREATE TRIGGER statement_not_emptied BEFORE TRUNCATE ON statement
    FOR EACH STATEMENT EXECUTE FUNCTION statement_is_immutable();

-- Writes one statement and puts it in the queue; called inside the transaction of the act it states.
CREATE FUNCTION queue_statement(
    p_type text, p_party_id text, p_account_id text, p_token_sha256 bytea, p_at_ms bigint,
    p_subject text, p_subject_version integer, p_content bytea
) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
    written bigint;
BEGIN
    INSERT INTO statement (type, party_id, account_id, token_sha256, at_ms, subject, subject_version, content)
    VALUES (p_type, p_party_id, p_account_id, p_token_sha256, p_at_ms, p_subject, p_subject_version, p_content)
    RETURNING statement_id INTO written;
    INSERT INTO statement_queue (statement_id) VALUES (written);
    RETURN written;
END $$;
