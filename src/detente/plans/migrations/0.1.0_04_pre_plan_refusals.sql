-- Refusals that are remembered: who was refused which plan, and what stood in its way. A refusal changes no state,
-- so it has no statement; these rows are a memory that is kept for a while, and nothing decides by them.
CREATE DOMAIN plan_refused_act AS text CHECK (VALUE IN ('declared', 'changed', 'activated'));

CREATE TABLE plan_refusal (
    refusal_id        uuid             PRIMARY KEY DEFAULT gen_random_uuid(),
    party_id          text             NOT NULL,
    account_id        text             NOT NULL,
    plan_id           uuid             NOT NULL,
    act               plan_refused_act NOT NULL,
    seen_version      integer,
    at_ms             bigint           NOT NULL,
    last_ms           bigint           NOT NULL,
    attempts          integer          NOT NULL DEFAULT 1,
    request_sha256    bytea            NOT NULL,
    time_slot         bigint           NOT NULL,
    sharing           plan_sharing     NOT NULL,
    end_ms            bigint           NOT NULL,
    conflict_start_ms bigint           NOT NULL,
    conflict_end_ms   bigint           NOT NULL,
    way_parties       text[]           NOT NULL,
    shared_plan_ids   uuid[]           NOT NULL,
    is_complete       boolean          NOT NULL,
    body              bytea            NOT NULL,
    blocking          bytea            NOT NULL
);
COMMENT ON COLUMN plan_refusal.time_slot IS 'at_ms in units of the time within which a repeated request is the same refusal';
COMMENT ON COLUMN plan_refusal.end_ms IS 'the end of the refused plan: how long the refusal is kept counts from here';
COMMENT ON COLUMN plan_refusal.way_parties IS 'whose plans were in the way';
COMMENT ON COLUMN plan_refusal.shared_plan_ids IS 'the plans in the way of which others may know, as shared then';

CREATE INDEX plan_refusal_by_time ON plan_refusal (at_ms, refusal_id);
CREATE INDEX plan_refusal_by_party ON plan_refusal (party_id, at_ms, refusal_id);
CREATE UNIQUE INDEX plan_refusal_by_plan ON plan_refusal (plan_id, party_id, request_sha256, time_slot);
CREATE INDEX plan_refusal_to_forget ON plan_refusal (end_ms);

-- Whether a viewer may know of a refusal at all; `refusal_rules.py` says what of it. A plan's sharing may have become
-- narrower since, so what is shared now counts beside what was shared then.
CREATE FUNCTION plan_refusal_public_but_for_its_plan(r plan_refusal) RETURNS boolean LANGUAGE sql STABLE AS $$
    SELECT r.sharing <> 'conflicts'
        AND EXISTS (SELECT 1 FROM plan p
                    WHERE p.plan_id = ANY (r.shared_plan_ids) AND p.sharing <> 'conflicts')
$$;
CREATE FUNCTION plan_refusal_public(r plan_refusal) RETURNS boolean LANGUAGE sql STABLE AS $$
    SELECT plan_refusal_public_but_for_its_plan(r)
        AND NOT EXISTS (SELECT 1 FROM plan p
                        WHERE p.plan_id = r.plan_id AND p.party_id = r.party_id AND p.sharing = 'conflicts')
$$;
CREATE FUNCTION plan_refusal_visible(r plan_refusal, p_viewer text) RETURNS boolean LANGUAGE sql STABLE AS $$
    SELECT r.party_id = p_viewer OR p_viewer = ANY (r.way_parties) OR plan_refusal_public(r)
$$;

-- The refusals in which a plan is in the way and others may know of it: found when its owner shares it otherwise.
CREATE TABLE plan_refusal_way (
    plan_id    uuid NOT NULL,
    refusal_id uuid NOT NULL,
    PRIMARY KEY (plan_id, refusal_id)
);

-- Readers of the feed (record/feed.py) learn of refusals by notes: one for each that is remembered, tried again or
-- dropped, in whatever way, and one for each of which more or less may be known because a plan is shared otherwise.
-- A note says who could know of the refusal before, which nobody can tell afterwards.
CREATE FUNCTION plan_refusal_noted() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'INSERT' THEN
        INSERT INTO feed_note (type, subject, left_parties, was_public)
        VALUES ('refusal.noted', NEW.refusal_id::text, '{}', false);
        INSERT INTO plan_refusal_way (plan_id, refusal_id)
        SELECT DISTINCT s, NEW.refusal_id FROM unnest(NEW.shared_plan_ids) s;
    ELSIF TG_OP = 'UPDATE' THEN
        INSERT INTO feed_note (type, subject, left_parties, was_public)
        VALUES ('refusal.noted', NEW.refusal_id::text,
                ARRAY(SELECT unnest(OLD.way_parties) EXCEPT SELECT unnest(NEW.way_parties)),
                plan_refusal_public(OLD));
        IF NEW.shared_plan_ids <> OLD.shared_plan_ids THEN
            DELETE FROM plan_refusal_way w
            WHERE w.plan_id = ANY (OLD.shared_plan_ids) AND w.refusal_id = OLD.refusal_id;
            INSERT INTO plan_refusal_way (plan_id, refusal_id)
            SELECT DISTINCT s, NEW.refusal_id FROM unnest(NEW.shared_plan_ids) s;
        END IF;
    ELSE
        INSERT INTO feed_note (type, subject, left_parties, was_public)
        VALUES ('refusal.noted', OLD.refusal_id::text, OLD.way_parties || OLD.party_id, plan_refusal_public(OLD));
        DELETE FROM plan_refusal_way w
        WHERE w.plan_id = ANY (OLD.shared_plan_ids) AND w.refusal_id = OLD.refusal_id;
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER plan_refusal_noted AFTER INSERT OR UPDATE OR DELETE ON plan_refusal
    FOR EACH ROW EXECUTE FUNCTION plan_refusal_noted();

-- Called by `plan_write` before it shares a plan otherwise, in its transaction. A refusal whose own sharing hides the
-- plan, now and then, changes for nobody: to tell it would tell of the plan.
CREATE FUNCTION plan_refusal_note_sharing(p_plan_id uuid, p_party_id text) RETURNS void LANGUAGE sql AS $$
    INSERT INTO feed_note (type, subject, cause, left_parties, was_public)
    SELECT 'refusal.noted', r.refusal_id::text, p_plan_id::text, '{}', plan_refusal_public(r)
    FROM plan_refusal r
    WHERE r.refusal_id IN (
        SELECT o.refusal_id FROM plan_refusal o
        WHERE o.plan_id = p_plan_id AND o.party_id = p_party_id AND o.sharing <> 'conflicts'
        UNION ALL
        SELECT w.refusal_id FROM plan_refusal_way w WHERE w.plan_id = p_plan_id)
$$;

-- Called by `plan_write` when it has written a new plan that its owner hides. Until then there was none to hide.
CREATE FUNCTION plan_refusal_note_hidden(p_plan_id uuid, p_party_id text) RETURNS void LANGUAGE sql AS $$
    INSERT INTO feed_note (type, subject, cause, left_parties, was_public)
    SELECT 'refusal.noted', r.refusal_id::text, p_plan_id::text, '{}', plan_refusal_public_but_for_its_plan(r)
    FROM plan_refusal r
    WHERE r.plan_id = p_plan_id AND r.party_id = p_party_id AND r.sharing <> 'conflicts'
$$;

-- Remembers one refused attempt: the same request again within a short time is the same refusal. Beyond the limits
-- the oldest are dropped: of this party's attempts at this plan at once, of all of this party's now and then,
-- because to count those takes longer than to write one.
CREATE FUNCTION plan_refusal_write(
    p_party_id text, p_account_id text, p_plan_id uuid, p_act text, p_seen_version integer, p_now_ms bigint,
    p_request_sha256 bytea, p_same_ms bigint, p_sharing text, p_end_ms bigint,
    p_conflict_start_ms bigint, p_conflict_end_ms bigint, p_way_parties text[], p_shared_plan_ids uuid[],
    p_is_complete boolean, p_body bytea, p_blocking bytea,
    p_plan_limit integer, p_party_limit integer, p_count_chance double precision
) RETURNS uuid LANGUAGE plpgsql AS $$
#variable_conflict use_column
DECLARE
    written uuid;
    last_kept record;
BEGIN
    UPDATE plan_refusal r
    SET last_ms = greatest(r.last_ms, p_now_ms), attempts = r.attempts + 1, account_id = p_account_id,
        conflict_start_ms = p_conflict_start_ms, conflict_end_ms = p_conflict_end_ms,
        way_parties = p_way_parties, shared_plan_ids = p_shared_plan_ids,
        is_complete = p_is_complete, blocking = p_blocking
    WHERE r.plan_id = p_plan_id AND r.party_id = p_party_id AND r.request_sha256 = p_request_sha256
      AND r.last_ms > p_now_ms - p_same_ms
    RETURNING r.refusal_id INTO written;
    IF FOUND THEN
        RETURN written;
    END IF;

    -- The same request may be in two hands at once: the second finds the row of the first.
    INSERT INTO plan_refusal AS r (party_id, account_id, plan_id, act, seen_version, at_ms, last_ms,
        request_sha256, time_slot, sharing, end_ms, conflict_start_ms, conflict_end_ms, way_parties,
        shared_plan_ids, is_complete, body, blocking)
    VALUES (p_party_id, p_account_id, p_plan_id, p_act, p_seen_version, p_now_ms, p_now_ms,
        p_request_sha256, p_now_ms / p_same_ms, p_sharing, p_end_ms, p_conflict_start_ms, p_conflict_end_ms,
        p_way_parties, p_shared_plan_ids, p_is_complete, p_body, p_blocking)
    ON CONFLICT (plan_id, party_id, request_sha256, time_slot)
    DO UPDATE SET last_ms = greatest(r.last_ms, p_now_ms), attempts = r.attempts + 1
    RETURNING r.refusal_id INTO written;

    SELECT o.at_ms, o.refusal_id INTO last_kept FROM plan_refusal o
    WHERE o.plan_id = p_plan_id AND o.party_id = p_party_id
    ORDER BY o.at_ms DESC, o.refusal_id DESC OFFSET p_plan_limit - 1 LIMIT 1;
    IF FOUND THEN  -- what another call holds, it drops itself; so none waits for another
        DELETE FROM plan_refusal d WHERE d.refusal_id IN (
            SELECT o.refusal_id FROM plan_refusal o
            WHERE o.plan_id = p_plan_id AND o.party_id = p_party_id
              AND (o.at_ms, o.refusal_id) < (last_kept.at_ms, last_kept.refusal_id) FOR UPDATE SKIP LOCKED);
    END IF;
    IF random() < p_count_chance THEN
        SELECT o.at_ms, o.refusal_id INTO last_kept FROM plan_refusal o WHERE o.party_id = p_party_id
        ORDER BY o.at_ms DESC, o.refusal_id DESC OFFSET p_party_limit - 1 LIMIT 1;
        IF FOUND THEN
            DELETE FROM plan_refusal d WHERE d.refusal_id IN (
                SELECT o.refusal_id FROM plan_refusal o
                WHERE o.party_id = p_party_id
                  AND (o.at_ms, o.refusal_id) < (last_kept.at_ms, last_kept.refusal_id) FOR UPDATE SKIP LOCKED);
        END IF;
    END IF;
    RETURN written;
END $$;
