-- Notices: what subscribers elsewhere are still to be told. A row is made in the transaction of the write that it tells
-- of, so none is lost and none tells of a write that never was; it goes when the subscriber has it.
CREATE DOMAIN notice_kind AS text CHECK (VALUE IN ('plan', 'zone'));

CREATE TABLE notice (
    notice_id      bigint      GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    party_id       text        NOT NULL,
    kind           notice_kind NOT NULL,
    subject_id     uuid        NOT NULL,
    uss_base_url   text        NOT NULL,
    subscriptions  bytea       NOT NULL,
    made_ms        bigint      NOT NULL,
    due_ms         bigint      NOT NULL,
    attempts       integer     NOT NULL DEFAULT 0 CHECK (attempts >= 0),
    lease_until_ms bigint
);
COMMENT ON COLUMN notice.party_id IS 'who tells';
COMMENT ON COLUMN notice.subscriptions IS 'a JSON list of {subscription_id, notification_index}, as it goes out';
COMMENT ON COLUMN notice.attempts IS 'how often it was taken; says too whose lease it is';
CREATE INDEX notice_due ON notice (due_ms, notice_id);
CREATE INDEX notice_in_line ON notice (subject_id, uss_base_url, notice_id);

-- Those that were given up: for the log, and for reports to whoever should have been told.
CREATE TABLE notice_undelivered (
    notice_id     bigint      PRIMARY KEY,
    party_id      text        NOT NULL,
    kind          notice_kind NOT NULL,
    subject_id    uuid        NOT NULL,
    uss_base_url  text        NOT NULL,
    subscriptions bytea       NOT NULL,
    made_ms       bigint      NOT NULL,
    attempts      integer     NOT NULL,
    given_up_ms   bigint      NOT NULL,
    reason        text        NOT NULL
);
CREATE INDEX notice_undelivered_by_time ON notice_undelivered (given_up_ms);

-- Called inside the transaction of a write, after it has locked its subject: so the ids of notices about one subject
-- are in the order of its writes.
CREATE FUNCTION notice_queue(
    p_party_id text, p_kind text, p_subject_id uuid, p_uss_base_url text, p_subscriptions bytea, p_now_ms bigint
) RETURNS bigint LANGUAGE sql AS $$
    INSERT INTO notice (party_id, kind, subject_id, uss_base_url, subscriptions, made_ms, due_ms)
    VALUES (p_party_id, p_kind, p_subject_id, p_uss_base_url, p_subscriptions, p_now_ms, p_now_ms)
    RETURNING notice_id
$$;

-- A notice leaves: the next about the same subject to the same URL is due at once. True if the lease was still held.
CREATE FUNCTION notice_leave(p_notice_id bigint, p_attempts integer) RETURNS boolean LANGUAGE plpgsql AS $$
DECLARE
    gone notice;
BEGIN
    DELETE FROM notice n WHERE n.notice_id = p_notice_id AND n.attempts = p_attempts RETURNING * INTO gone;
    IF NOT FOUND THEN
        RETURN false;
    END IF;
    UPDATE notice n SET due_ms = n.made_ms
    WHERE n.notice_id = (SELECT o.notice_id FROM notice o
                         WHERE o.subject_id = gone.subject_id AND o.uss_base_url = gone.uss_base_url
                         ORDER BY o.subject_id, o.uss_base_url, o.notice_id LIMIT 1);
    RETURN true;
END $$;

-- A notice is given up: it is kept aside with the reason. True if the lease was still held.
CREATE FUNCTION notice_give_up(p_notice_id bigint, p_attempts integer, p_now_ms bigint, p_reason text)
RETURNS boolean LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO notice_undelivered (notice_id, party_id, kind, subject_id, uss_base_url, subscriptions, made_ms,
        attempts, given_up_ms, reason)
    SELECT n.notice_id, n.party_id, n.kind, n.subject_id, n.uss_base_url, n.subscriptions, n.made_ms, n.attempts,
           p_now_ms, p_reason
    FROM notice n WHERE n.notice_id = p_notice_id AND n.attempts = p_attempts FOR UPDATE;
    RETURN FOUND AND notice_leave(p_notice_id, p_attempts);
END $$;
