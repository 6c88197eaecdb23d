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
CREATE FUNCTION plan_refusal_visible(r plan_refusal, p_viewer text) RETURNS boolean LANGUAGE sql STABLE AS $$
    SELECT r.party_id = p_viewer OR p_viewer = ANY (r.way_parties)
        OR (r.sharing <> 'conflicts'
            AND NOT EXISTS (SELECT 1 FROM plan p
                            WHERE p.plan_id = r.plan_id AND p.party_id = r.party_id AND p.sharing = 'conflicts')
            AND EXISTS (SELECT 1 FROM plan p
                        WHERE p.plan_id = ANY (r.shared_plan_ids) AND p.sharing <> 'conflicts'))
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
