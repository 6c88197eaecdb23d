-- What a node keeps of its dealings with the exchange to which it declares. The tables are empty at an exchange.

-- A party's own plans as the exchange has them. A plan whose OVN is another one here is still to be told there.
CREATE TABLE node_reference (
    plan_id         uuid    PRIMARY KEY,
    ovn             text    NOT NULL,
    version         integer NOT NULL,
    subscription_id uuid
);

-- What the exchange was, or is about to be, asked: committed before it is asked, gone in the transaction that writes the
-- plan here. So whoever dies in between leaves a row, and the exchange can be asked what became of it.
CREATE TABLE node_pending (
    plan_id   uuid   PRIMARY KEY,
    ovn       text   NOT NULL,
    named_ovn text,
    is_end    boolean NOT NULL,
    sent      bytea  NOT NULL,
    write     bytea  NOT NULL,
    made_ms   bigint NOT NULL
);
COMMENT ON COLUMN node_pending.ovn IS 'the OVN that was asked for; of an end: that the plan has here afterwards';
COMMENT ON COLUMN node_pending.named_ovn IS 'the OVN that the request changes or ends; null: it makes a reference';
COMMENT ON COLUMN node_pending.sent IS 'the body of the request, to be sent again word for word';
COMMENT ON COLUMN node_pending.write IS 'what is written here once the exchange has it, as JSON';
CREATE INDEX node_pending_by_time ON node_pending (made_ms);

-- Notes what is about to be asked. False: something is under way for this plan, or it has moved on.
CREATE FUNCTION node_pend(
    p_plan_id uuid, p_ovn text, p_named_ovn text, p_is_end boolean, p_sent bytea, p_write bytea, p_now_ms bigint,
    p_version integer            -- that the plan stands at; null: there is none
) RETURNS boolean LANGUAGE plpgsql AS $$
BEGIN
    PERFORM 1 FROM plan p WHERE p.plan_id = p_plan_id FOR UPDATE;
    IF (SELECT p.version FROM plan p WHERE p.plan_id = p_plan_id) IS DISTINCT FROM p_version THEN
        RETURN false;
    END IF;
    INSERT INTO node_pending (plan_id, ovn, named_ovn, is_end, sent, write, made_ms)
    VALUES (p_plan_id, p_ovn, p_named_ovn, p_is_end, p_sent, p_write, p_now_ms)
    ON CONFLICT (plan_id) DO NOTHING;
    RETURN FOUND;
END $$;

-- Writes down how the exchange has a plan now; a null OVN: it has it no more.
CREATE FUNCTION node_keep_reference(p_plan_id uuid, p_ovn text, p_version integer, p_subscription_id uuid)
RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    IF p_ovn IS NULL THEN
        DELETE FROM node_reference r WHERE r.plan_id = p_plan_id;
    ELSE
        INSERT INTO node_reference AS r (plan_id, ovn, version, subscription_id)
        VALUES (p_plan_id, p_ovn, p_version, p_subscription_id)
        ON CONFLICT (plan_id) DO UPDATE
        SET ovn = excluded.ovn, version = excluded.version, subscription_id = excluded.subscription_id
        WHERE r.version <= excluded.version;
    END IF;
END $$;

-- Keeps another party's plan as it was told: a newer version, or other words of the same one. Whoever reads the feed is
-- told. True if it was news. A null p_sharing leaves it shared as it is.
CREATE FUNCTION node_mirror(
    p_plan_id uuid, p_party_id text, p_version integer, p_ovn text, p_state text, p_priority integer, p_sharing text,
    p_start_ms bigint, p_end_ms bigint, p_body bytea, p_uss_base_url text, p_told bytea, p_cells bigint[], p_now_ms bigint
) RETURNS boolean LANGUAGE plpgsql SET plan_cache_mode = force_generic_plan AS $$
BEGIN
    INSERT INTO plan AS p (plan_id, party_id, account_id, state, version, ovn, priority, sharing, start_ms, end_ms,
                           changed_ms, request_sha256, body, is_elsewhere, uss_base_url)
    VALUES (p_plan_id, p_party_id, 'elsewhere', p_state, p_version, p_ovn, p_priority, coalesce(p_sharing, 'volumes'),
            p_start_ms, p_end_ms, p_now_ms, sha256(p_told), p_body, true, p_uss_base_url)
    ON CONFLICT (plan_id) DO UPDATE
    SET party_id = excluded.party_id, state = excluded.state, version = excluded.version, ovn = excluded.ovn,
        priority = excluded.priority, sharing = coalesce(p_sharing, p.sharing::text), start_ms = excluded.start_ms,
        end_ms = excluded.end_ms, changed_ms = excluded.changed_ms, request_sha256 = excluded.request_sha256,
        body = excluded.body, uss_base_url = excluded.uss_base_url,
        hidden_from = CASE WHEN coalesce(p_sharing, p.sharing::text) <> 'conflicts' THEN NULL
                           WHEN p.sharing <> 'conflicts' THEN excluded.version ELSE p.hidden_from END
    WHERE p.is_elsewhere
      AND (p.state = 'ended' OR p.version < excluded.version
           OR p.version = excluded.version
              AND (p.ovn, p.state, p.body) IS DISTINCT FROM (excluded.ovn, excluded.state, excluded.body));
    IF NOT FOUND THEN
        RETURN false;
    END IF;
    DELETE FROM plan_cell c WHERE c.plan_id = p_plan_id;
    INSERT INTO plan_cell (parent, span, end_ms, start_ms, mask, datum, own_lower, own_upper, lower, upper,
                           lat_lo, lat_hi, lon_lo, lon_hi, plan_id, volume_ix)
    SELECT r.parent, r.span, r.end_ms, r.start_ms, r.mask, r.datum, r.own_lower, r.own_upper, r.lower, r.upper,
           r.lat_lo, r.lat_hi, r.lon_lo, r.lon_hi, p_plan_id, r.volume_ix
    FROM plan_rows(p_cells) r;
    PERFORM queue_statement('plan.told', p_party_id, 'elsewhere', NULL, p_now_ms, p_plan_id::text, p_version, p_told);
    RETURN true;
END $$;

-- Another party's plan is no more.
CREATE FUNCTION node_mirror_end(p_plan_id uuid, p_told bytea, p_now_ms bigint) RETURNS boolean LANGUAGE plpgsql AS $$
DECLARE
    gone plan%ROWTYPE;
BEGIN
    UPDATE plan p SET state = 'ended', changed_ms = p_now_ms
    WHERE p.plan_id = p_plan_id AND p.is_elsewhere AND p.state <> 'ended' RETURNING * INTO gone;
    IF NOT FOUND THEN
        RETURN false;
    END IF;
    PERFORM plan_leave_index(p_plan_id);
    PERFORM queue_statement('plan.told', gone.party_id, 'elsewhere', NULL, p_now_ms, p_plan_id::text, gone.version, p_told);
    RETURN true;
END $$;

-- What the exchange tells of a party: whether it is down.
CREATE FUNCTION node_availability(p_party_id text, p_availability text, p_now_ms bigint) RETURNS void LANGUAGE sql AS $$
    INSERT INTO party_availability AS a (party_id, availability, version, changed_ms)
    SELECT p_party_id, p_availability, '', p_now_ms
    WHERE p_availability <> 'unknown' OR EXISTS (SELECT 1 FROM party_availability o WHERE o.party_id = p_party_id)
    ON CONFLICT (party_id) DO UPDATE SET availability = excluded.availability, changed_ms = excluded.changed_ms
    WHERE a.availability <> excluded.availability
$$;
