-- References of plans: what F3548-21 calls operational intent references, written under the locks of every plan.

-- A plan as the discovery service tells of it.
CREATE VIEW plan_reference AS
    SELECT p.plan_id, p.party_id, coalesce(a.availability, 'unknown') AS availability, p.version, p.ovn, p.state, p.sharing,
           p.start_ms, p.end_ms, p.uss_base_url, p.subscription_id, p.is_elsewhere
    FROM plan p LEFT JOIN party_availability a USING (party_id)
    WHERE p.state <> 'ended';

CREATE VIEW zone_reference AS
    SELECT z.zone_id, z.party_id, coalesce(a.availability, 'unknown') AS availability, z.version, z.ovn,
           z.start_ms, z.end_ms, z.uss_base_url, z.is_elsewhere
    FROM zone z LEFT JOIN party_availability a USING (party_id);

-- Which plans that share conflicts only were named to whom, because a write of theirs met them.
CREATE TABLE plan_shown_to (
    plan_id  uuid   NOT NULL,
    party_id text   NOT NULL,
    until_ms bigint NOT NULL,
    PRIMARY KEY (plan_id, party_id)
);
CREATE INDEX plan_shown_to_age ON plan_shown_to (until_ms);

-- One row of what the verbs below answer; what does not apply is null.
CREATE TYPE reference_answer AS (
    status text, id uuid, party_id text, availability text, version integer, ovn text, state text, sharing text,
    start_ms bigint, end_ms bigint, uss_base_url text, subscription_id uuid, notification_index integer, body bytea
);

CREATE FUNCTION reference_said(p_status text, p_plan_id uuid) RETURNS SETOF reference_answer LANGUAGE sql STABLE ROWS 1 AS $$
    SELECT p_status, r.plan_id, r.party_id, r.availability::text, r.version, r.ovn::text, r.state::text, r.sharing::text,
           r.start_ms, r.end_ms, r.uss_base_url, r.subscription_id, NULL::integer, NULL::bytea
    FROM plan_reference r WHERE r.plan_id = p_plan_id
$$;

-- What a write of which nobody heard the answer told: the same subscriptions, at the notification they stand at.
CREATE FUNCTION reference_told_before(p_plan_id uuid, p_now_ms bigint) RETURNS SETOF reference_answer LANGUAGE sql AS $$
    SELECT 'told', NULL::uuid, s.party_id, NULL, NULL::integer, NULL, NULL, NULL, NULL::bigint, NULL::bigint, s.uss_base_url,
           s.subscription_id, s.notification_index, NULL::bytea
    FROM subscription s
    WHERE s.tells_plans
      AND s.subscription_id IN (SELECT m.subscription_id FROM subscription_meeting(plan_packed(p_plan_id)) m
                                UNION
                                SELECT p.subscription_id FROM plan_meeting(plan_packed(p_plan_id)) m JOIN plan p USING (plan_id))
      AND (s.end_ms >= p_now_ms OR s.is_implicit)
    ORDER BY s.subscription_id
$$;

CREATE FUNCTION reference_told(p_rows bigint[], p_now_ms bigint) RETURNS SETOF reference_answer LANGUAGE sql AS $$
    SELECT 'told', NULL::uuid, t.party_id, NULL, NULL::integer, NULL, NULL, NULL, NULL::bigint, NULL::bigint, t.uss_base_url,
           t.subscription_id, t.notification_index, NULL::bytea
    FROM subscription_tell(p_rows, true, false, p_now_ms) t
$$;

-- Makes or changes a reference: lock, look, decide, write, count up the subscriptions, queue the statement. One call.
-- Answers one row with a status, or several where it says so:
--   'written'  the reference as it stands, then a row 'told' for each subscription that was counted up
--   'same'     this very write (by its OVN, which the manager asked for) was carried out before; the reference and who
--              is to be told, not counted again
--   'missing'  nothing written: rows of plans whose OVN is not in the key ('missing-zone': of zones)
--   'absent' 'exists' 'foreign' 'stale'   as for zones        'hosted'  its details are kept here: changed as a plan
--   'down'     its manager is down and may do no such thing    'forbidden' that state cannot follow this one
--   'no-subscription' 'foreign-subscription' 'silent-subscription' 'short-subscription'   it cannot depend on that
--   'unlocked' a cell of p_lock has no row yet
CREATE FUNCTION reference_write(
    p_plan_id uuid, p_party_id text, p_account_id text, p_token_sha256 bytea, p_now_ms bigint,
    p_request bytea, p_request_sha256 bytea,
    p_expected text,             -- the OVN that this changes; null makes a new reference
    p_state text, p_ovn text, p_start_ms bigint, p_end_ms bigint, p_body bytea, p_uss_base_url text,
    p_key text[],                -- the OVNs that the manager knows
    p_apart_ids uuid[], p_apart_ovns text[],   -- plans that share conflicts only, examined and found not to meet this
    p_subscription_id uuid,      -- the subscription that it will depend on; null: none
    p_made_url text,             -- not null: that subscription is a new, implicit one, told of here
    p_made_tells_zones boolean,
    p_touched bigint[],          -- rows with the cells that are really touched: what an explicit subscription must reach
    p_lock bigint[], p_cells bigint[]
) RETURNS SETOF reference_answer
LANGUAGE plpgsql SET plan_cache_mode = force_generic_plan AS $$
#variable_conflict use_column
DECLARE
    was plan%ROWTYPE;
    used subscription%ROWTYPE;
    before bigint[];
    refusal text;
    sees_zones boolean := coalesce(p_made_tells_zones, false);
BEGIN
    SELECT * INTO was FROM plan p WHERE p.plan_id = p_plan_id AND NOT (p.is_elsewhere AND p.state = 'ended') FOR UPDATE;
    refusal := (CASE
        WHEN NOT FOUND THEN CASE WHEN p_expected IS NOT NULL THEN 'absent' END
        WHEN was.party_id = p_party_id AND was.ovn = p_ovn AND was.request_sha256 = p_request_sha256 THEN 'same'
        WHEN p_expected IS NULL THEN 'exists'
        WHEN was.party_id <> p_party_id THEN 'foreign'
        WHEN NOT was.is_elsewhere THEN 'hosted'
        WHEN was.ovn <> p_expected THEN 'stale'
        WHEN was.state = 'contingent' AND p_state <> 'contingent' THEN 'forbidden'
        WHEN was.state = 'nonconforming' AND p_state = 'accepted' THEN 'forbidden'
    END);
    IF refusal IS NULL AND p_state IN ('accepted', 'activated') AND party_is_down(p_party_id) THEN
        refusal := 'down';
    END IF;
    IF refusal = 'same' THEN
        RETURN QUERY SELECT * FROM reference_said('same', p_plan_id);
        RETURN QUERY SELECT * FROM reference_told_before(p_plan_id, p_now_ms);
        RETURN;
    ELSIF refusal IS NOT NULL THEN
        RETURN QUERY SELECT * FROM reference_refused(refusal);
        RETURN;
    END IF;

    IF NOT plan_lock(p_plan_id, p_lock) THEN
        RETURN QUERY SELECT * FROM reference_refused('unlocked');
        RETURN;
    END IF;

    -- A subscription that reaches over these cells cannot change while they are locked.
    IF p_subscription_id IS NOT NULL AND p_made_url IS NULL THEN
        SELECT * INTO used FROM subscription s WHERE s.subscription_id = p_subscription_id;
        IF used.is_implicit THEN  -- its own plans may lie elsewhere, and the last of them may be going
            SELECT * INTO used FROM subscription s WHERE s.subscription_id = p_subscription_id FOR UPDATE;
        END IF;
        refusal := (CASE
            WHEN NOT FOUND THEN 'no-subscription'
            WHEN used.party_id <> p_party_id THEN 'foreign-subscription'
            WHEN NOT used.tells_plans THEN 'silent-subscription'
            WHEN NOT used.is_implicit AND EXISTS (
                SELECT 1 FROM plan_rows(p_touched) r
                WHERE NOT EXISTS (
                    SELECT 1 FROM subscription_cell c
                    WHERE c.subscription_id = p_subscription_id AND c.parent = r.parent AND c.mask & r.mask = r.mask
                      AND c.start_ms <= greatest(r.start_ms, p_now_ms) + 300000 AND c.end_ms >= r.end_ms))
                THEN 'short-subscription'
        END);
        IF refusal IS NOT NULL THEN
            RETURN QUERY SELECT * FROM reference_refused(refusal);
            RETURN;
        END IF;
        sees_zones := used.tells_zones;
    END IF;

    IF p_state IN ('accepted', 'activated') THEN
        -- A statement of its own, after the lock: its snapshot holds everything that was written under it before.
        RETURN QUERY
            SELECT 'missing', r.plan_id, r.party_id, r.availability::text, r.version, r.ovn::text, r.state::text,
                   r.sharing::text, r.start_ms, r.end_ms, r.uss_base_url, r.subscription_id, NULL::integer,
                   CASE WHEN r.sharing = 'conflicts' THEN (SELECT p.body FROM plan p WHERE p.plan_id = r.plan_id) END
            FROM plan_meeting(p_cells) m JOIN plan_reference r USING (plan_id)
            WHERE r.plan_id <> p_plan_id AND r.ovn <> ALL (p_key)
              AND NOT (r.state = 'accepted' AND r.availability = 'down')
              AND NOT EXISTS (SELECT 1 FROM unnest(p_apart_ids, p_apart_ovns) AS k (id, ovn)
                              WHERE k.id = r.plan_id AND k.ovn = r.ovn)
            UNION ALL
            SELECT 'missing-zone', z.zone_id, z.party_id, z.availability::text, z.version, z.ovn::text, NULL, NULL,
                   z.start_ms, z.end_ms, z.uss_base_url, NULL::uuid, NULL::integer, NULL::bytea
            FROM zone_meeting(p_cells) m JOIN zone_reference z USING (zone_id)
            WHERE sees_zones AND z.ovn <> ALL (p_key);
        IF FOUND THEN
            RETURN;
        END IF;
    END IF;

    before := plan_packed(p_plan_id);
    IF NOT plan_store(
        p_plan_id, p_party_id, p_account_id, p_token_sha256, p_now_ms,
        CASE WHEN p_expected IS NULL THEN 'plan.declared' WHEN was.state <> p_state THEN 'plan.' || p_state
             ELSE 'plan.changed' END,
        p_request, p_request_sha256, coalesce(was.version, 0) + 1, p_state, p_ovn, 0, 'volumes', p_start_ms, p_end_ms, p_body,
        true, p_uss_base_url, p_subscription_id, true, p_cells
    ) THEN  -- made while this call waited for its locks: by somebody else, or by this very request
        IF EXISTS (SELECT 1 FROM plan p WHERE p.plan_id = p_plan_id AND p.party_id = p_party_id AND p.ovn = p_ovn
                                          AND p.request_sha256 = p_request_sha256) THEN
            RETURN QUERY SELECT * FROM reference_said('same', p_plan_id);
            RETURN QUERY SELECT * FROM reference_told_before(p_plan_id, p_now_ms);
        ELSE
            RETURN QUERY SELECT * FROM reference_refused('exists');
        END IF;
        RETURN;
    END IF;
    IF p_made_url IS NOT NULL THEN
        INSERT INTO subscription (subscription_id, party_id, version, uss_base_url, tells_plans, tells_zones, is_implicit)
        VALUES (p_subscription_id, p_party_id, p_ovn, p_made_url, true, p_made_tells_zones, true);
    END IF;
    IF was.subscription_id IS DISTINCT FROM p_subscription_id THEN
        PERFORM subscription_drop_unused(was.subscription_id);
    END IF;
    RETURN QUERY SELECT * FROM reference_said('written', p_plan_id);
    RETURN QUERY SELECT * FROM reference_told(before || p_cells, p_now_ms);
END $$;

CREATE FUNCTION reference_refused(p_status text) RETURNS reference_answer LANGUAGE sql IMMUTABLE AS $$
    SELECT ROW(p_status, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL)::reference_answer
$$;

CREATE FUNCTION party_is_down(p_party_id text) RETURNS boolean LANGUAGE sql STABLE AS $$
    SELECT EXISTS (SELECT 1 FROM party_availability a WHERE a.party_id = p_party_id AND a.availability = 'down')
$$;

-- Ends a reference; the answers are those of `reference_write`, 'written' with the reference as it stood.
CREATE FUNCTION reference_end(
    p_plan_id uuid, p_party_id text, p_account_id text, p_token_sha256 bytea, p_now_ms bigint, p_request bytea,
    p_request_sha256 bytea, p_expected text, p_ovn text
) RETURNS SETOF reference_answer
LANGUAGE plpgsql SET plan_cache_mode = force_generic_plan AS $$
#variable_conflict use_column
DECLARE
    was plan%ROWTYPE;
    refusal text;
BEGIN
    SELECT * INTO was FROM plan p WHERE p.plan_id = p_plan_id AND p.state <> 'ended' FOR UPDATE;
    refusal := (CASE
        WHEN NOT FOUND THEN 'absent'
        WHEN was.party_id <> p_party_id THEN 'foreign'
        WHEN NOT was.is_elsewhere THEN 'hosted'
        WHEN was.ovn <> p_expected THEN 'stale'
        WHEN party_is_down(p_party_id) THEN 'down'
    END);
    IF refusal IS NOT NULL THEN
        RETURN QUERY SELECT * FROM reference_refused(refusal);
        RETURN;
    END IF;
    PERFORM plan_lock(p_plan_id, '{}');
    RETURN QUERY SELECT * FROM reference_said('written', p_plan_id);
    RETURN QUERY SELECT * FROM reference_told(plan_packed(p_plan_id), p_now_ms);
    PERFORM plan_store(
        p_plan_id, p_party_id, p_account_id, p_token_sha256, p_now_ms, 'plan.ended', p_request, p_request_sha256,
        was.version + 1, 'ended', p_ovn, was.priority, was.sharing, was.start_ms, was.end_ms, was.body,
        true, was.uss_base_url, was.subscription_id, false, '{}');
    PERFORM subscription_drop_unused(was.subscription_id);
END $$;

-- Says whether a party is reachable; the version before must be named. Null: it was not.
CREATE FUNCTION party_availability_set(
    p_party_id text, p_availability text, p_old_version text, p_version text,
    p_by_party_id text, p_account_id text, p_token_sha256 bytea, p_now_ms bigint, p_request bytea
) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO party_availability AS a (party_id, availability, version, changed_ms)
    SELECT p_party_id, p_availability, p_version, p_now_ms
    WHERE p_old_version = '' OR EXISTS (SELECT 1 FROM party_availability o WHERE o.party_id = p_party_id)
    ON CONFLICT (party_id) DO UPDATE
    SET availability = excluded.availability, version = excluded.version, changed_ms = excluded.changed_ms
    WHERE a.version = p_old_version;
    IF NOT FOUND THEN
        RETURN NULL;
    END IF;
    PERFORM queue_statement('availability.set', p_by_party_id, p_account_id, p_token_sha256, p_now_ms, p_party_id, NULL,
                            p_request);
    RETURN p_version;
END $$;
