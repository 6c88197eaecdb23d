-- Zones, and the index that finds them: its rows are those of plans, and writers lock the same cells.
CREATE TABLE zone (
    zone_id        uuid    PRIMARY KEY,
    party_id       text    NOT NULL,
    account_id     text    NOT NULL,
    version        integer NOT NULL,
    ovn            plan_ovn NOT NULL,
    start_ms       bigint  NOT NULL,
    end_ms         bigint  NOT NULL,
    changed_ms     bigint  NOT NULL,
    request_sha256 bytea   NOT NULL,
    body           bytea   NOT NULL,
    is_elsewhere   boolean NOT NULL,
    uss_base_url   text,
    restriction    text,
    identity       text,
    source         text
);
COMMENT ON COLUMN zone.is_elsewhere IS 'its manager keeps the details; the body holds the extents that bound them';
COMMENT ON COLUMN zone.restriction IS 'the rule; null: its manager elsewhere knows it';
COMMENT ON COLUMN zone.identity IS 'country and identifier, by which a new edition of a file finds its zones again';
COMMENT ON COLUMN zone.source IS 'the file or data set that it was published from; null: none';
CREATE INDEX zone_by_party ON zone (party_id, zone_id);
CREATE UNIQUE INDEX zone_by_identity ON zone (party_id, identity) WHERE identity IS NOT NULL;
CREATE INDEX zone_by_end ON zone (end_ms);

CREATE TABLE zone_cell (LIKE plan_cell);
ALTER TABLE zone_cell RENAME COLUMN plan_id TO zone_id;
CREATE INDEX zone_cell_find ON zone_cell (parent, span, end_ms);
CREATE INDEX zone_cell_zone ON zone_cell (zone_id);

-- A zone's rows of the index as `plan_rows` reads them.
CREATE FUNCTION zone_packed(p_zone_id uuid) RETURNS bigint[] LANGUAGE sql STABLE AS $$
    SELECT ARRAY(
        SELECT u FROM zone_cell c
        CROSS JOIN LATERAL unnest(ARRAY[c.parent, c.span, c.end_ms, c.start_ms, c.mask, c.datum, c.own_lower, c.own_upper,
                                        c.lower, c.upper, c.lat_lo, c.lat_hi, c.lon_lo, c.lon_hi, c.volume_ix]) AS u
        WHERE c.zone_id = p_zone_id)
$$;

-- Publishes, changes or (p_body null) withdraws a zone. Answers:
--   'written'   with the zone as it stands, or as it stood if withdrawn; then a row 'told' for each subscription counted up
--   'exists'    an id that is taken, for a new zone      'absent'   no zone with this id
--   'foreign'   it belongs to another party               'stale'    it stands at another OVN
--   'hosted'    its details are kept here, so it is changed here and not by its reference (or the other way round)
--   'taken'     another zone of the party has this identity
--   'unlocked'  a cell of p_lock has no row yet
CREATE FUNCTION zone_write(
    p_zone_id uuid, p_party_id text, p_account_id text, p_token_sha256 bytea, p_now_ms bigint,
    p_request bytea, p_request_sha256 bytea,
    p_expected text,             -- the OVN that this changes; null publishes a new zone
    p_ovn text, p_start_ms bigint, p_end_ms bigint, p_body bytea, p_is_elsewhere boolean, p_uss_base_url text,
    p_lock bigint[], p_cells bigint[],
    p_restriction text DEFAULT NULL, p_identity text DEFAULT NULL, p_source text DEFAULT NULL  -- of zones hosted here
) RETURNS TABLE (status text, zone_id uuid, party_id text, version integer, ovn text, start_ms bigint, end_ms bigint,
                 uss_base_url text, subscription_id uuid, notification_index integer)
LANGUAGE plpgsql SET plan_cache_mode = force_generic_plan AS $$
#variable_conflict use_column
DECLARE
    was zone%ROWTYPE;
    before bigint[];
    locked integer;
    wanted bigint[] := ARRAY(SELECT u FROM unnest(p_lock) AS u
                             UNION SELECT c.parent FROM zone_cell c WHERE c.zone_id = p_zone_id);
BEGIN
    SELECT * INTO was FROM zone z WHERE z.zone_id = p_zone_id FOR UPDATE;
    status := (CASE
        WHEN NOT FOUND AND p_expected IS NOT NULL THEN 'absent'
        WHEN NOT FOUND THEN NULL
        WHEN p_expected IS NULL THEN 'exists'
        WHEN was.party_id <> p_party_id THEN 'foreign'
        WHEN was.is_elsewhere <> p_is_elsewhere THEN 'hosted'
        WHEN was.ovn <> p_expected THEN 'stale'
    END);
    IF status IS NULL AND EXISTS (SELECT 1 FROM zone z WHERE z.party_id = p_party_id AND z.identity = p_identity
                                                         AND z.zone_id <> p_zone_id) THEN
        status := 'taken';
    END IF;
    IF status IS NOT NULL THEN
        RETURN NEXT;
        RETURN;
    END IF;

    -- As `plan_lock` does, for the cells of a zone.
    PERFORM 1 FROM plan_cell_lock l WHERE l.parent = ANY (wanted) ORDER BY l.parent FOR UPDATE;
    GET DIAGNOSTICS locked = ROW_COUNT;
    IF locked < cardinality(wanted) THEN
        status := 'unlocked';
        RETURN NEXT;
        RETURN;
    END IF;

    before := zone_packed(p_zone_id);
    IF p_expected IS NOT NULL THEN  -- its row is locked; without one, a zone of this id would be another's
        DELETE FROM zone_cell c WHERE c.zone_id = p_zone_id;
    END IF;
    IF p_body IS NULL THEN
        DELETE FROM zone z WHERE z.zone_id = p_zone_id;
    ELSE
        INSERT INTO zone AS z (zone_id, party_id, account_id, version, ovn, start_ms, end_ms, changed_ms, request_sha256,
                               body, is_elsewhere, uss_base_url, restriction, identity, source)
        VALUES (p_zone_id, p_party_id, p_account_id, coalesce(was.version, 0) + 1, p_ovn, p_start_ms, p_end_ms, p_now_ms,
                p_request_sha256, p_body, p_is_elsewhere, p_uss_base_url, p_restriction, p_identity, p_source)
        ON CONFLICT (zone_id) DO UPDATE
        SET account_id = excluded.account_id, version = excluded.version, ovn = excluded.ovn, start_ms = excluded.start_ms,
            end_ms = excluded.end_ms, changed_ms = excluded.changed_ms, request_sha256 = excluded.request_sha256,
            body = excluded.body, uss_base_url = excluded.uss_base_url, restriction = excluded.restriction,
            identity = excluded.identity, source = excluded.source
        WHERE z.party_id = excluded.party_id AND z.ovn = p_expected;
        IF NOT FOUND THEN  -- published by somebody else while this call waited for its locks
            status := 'exists';
            RETURN NEXT;
            RETURN;
        END IF;
        INSERT INTO zone_cell (parent, span, end_ms, start_ms, mask, datum, own_lower, own_upper, lower, upper,
                               lat_lo, lat_hi, lon_lo, lon_hi, zone_id, volume_ix)
        SELECT r.parent, r.span, r.end_ms, r.start_ms, r.mask, r.datum, r.own_lower, r.own_upper, r.lower, r.upper,
               r.lat_lo, r.lat_hi, r.lon_lo, r.lon_hi, p_zone_id, r.volume_ix
        FROM plan_rows(p_cells) r;
    END IF;
    PERFORM queue_statement(
        CASE WHEN p_body IS NULL THEN 'zone.withdrawn' WHEN p_expected IS NULL THEN 'zone.published' ELSE 'zone.changed' END,
        p_party_id, p_account_id, p_token_sha256, p_now_ms, p_zone_id::text,
        coalesce(was.version, 0) + 1, p_request);

    IF p_body IS NULL THEN
        RETURN QUERY SELECT 'written', was.zone_id, was.party_id, was.version, was.ovn::text, was.start_ms, was.end_ms,
                            was.uss_base_url, NULL::uuid, NULL::integer;
    ELSE
        RETURN QUERY SELECT 'written', z.zone_id, z.party_id, z.version, z.ovn::text, z.start_ms, z.end_ms, z.uss_base_url,
                            NULL::uuid, NULL::integer
                     FROM zone z WHERE z.zone_id = p_zone_id;
    END IF;
    IF NOT p_is_elsewhere THEN
        PERFORM zone_tell_peers(p_zone_id, p_party_id, before || p_cells, p_now_ms);
        RETURN;
    END IF;
    RETURN QUERY SELECT 'told', NULL::uuid, t.party_id, NULL::integer, NULL::text, NULL::bigint, NULL::bigint,
                        t.uss_base_url, t.subscription_id, t.notification_index
                 FROM subscription_tell(before || p_cells, false, false, p_now_ms) t;
END $$;

-- What a write of a zone that is hosted here does about subscribers elsewhere: as `subscription_tell_peers` for plans.
CREATE FUNCTION zone_tell_peers(p_zone_id uuid, p_party_id text, p_rows bigint[], p_now_ms bigint)
RETURNS void LANGUAGE plpgsql SET plan_cache_mode = force_generic_plan AS $$
BEGIN
    IF NOT EXISTS (SELECT 1 FROM subscription s WHERE s.uss_base_url IS NOT NULL) THEN
        RETURN;
    END IF;
    PERFORM notice_queue(p_party_id, 'zone', p_zone_id, t.uss_base_url, t.subscriptions, p_now_ms)
    FROM (SELECT told.uss_base_url,
                 convert_to(json_agg(json_build_object('subscription_id', told.subscription_id,
                                                       'notification_index', told.notification_index))::text, 'UTF8')
                     AS subscriptions
          FROM subscription_tell(p_rows, false, true, p_now_ms) told
          GROUP BY told.uss_base_url) t;
END $$;

-- Publishes, changes or (p_body null) withdraws a zone that is hosted here, by its version and idempotently; the write
-- itself is `zone_write`. Answers one row: a status of `zone_write`, with version and party where it names one, or
--   'same'      this very request was carried out before
--   'replayed'  the idempotency key's first answer is in `body`, its status in `version`
--   'reused'    the idempotency key belongs to another request
CREATE FUNCTION zone_host(
    p_zone_id uuid, p_party_id text, p_account_id text, p_token_sha256 bytea, p_now_ms bigint,
    p_request bytea, p_request_sha256 bytea,
    p_expected integer,          -- the version that this changes; null publishes a new zone
    p_ovn text, p_start_ms bigint, p_end_ms bigint, p_body bytea, p_uss_base_url text,
    p_lock bigint[], p_cells bigint[], p_restriction text, p_identity text, p_source text,
    p_key text, p_key_status integer, p_key_response bytea
) RETURNS TABLE (status text, version integer, party_id text, ovn text, body bytea)
LANGUAGE plpgsql SET plan_cache_mode = force_generic_plan AS $$
#variable_conflict use_column
DECLARE
    was zone%ROWTYPE;
    kept plan_idempotency%ROWTYPE;
    said record;
BEGIN
    IF p_key IS NOT NULL THEN
        SELECT * INTO kept FROM plan_idempotency i WHERE i.account_id = p_account_id AND i.key = p_key;
        IF FOUND THEN
            RETURN QUERY SELECT CASE WHEN kept.request_sha256 = p_request_sha256 THEN 'replayed' ELSE 'reused' END,
                                kept.status, NULL::text, NULL::text, kept.response;
            RETURN;
        END IF;
    END IF;
    SELECT * INTO was FROM zone z WHERE z.zone_id = p_zone_id FOR UPDATE;
    IF FOUND THEN
        status := (CASE
            WHEN was.party_id <> p_party_id THEN CASE WHEN p_expected IS NULL THEN 'exists' ELSE 'foreign' END
            WHEN was.is_elsewhere THEN 'hosted'
            WHEN was.request_sha256 = p_request_sha256 AND was.version = coalesce(p_expected, 0) + 1 THEN 'same'
            WHEN p_expected IS NULL THEN 'exists'
            WHEN was.version <> p_expected THEN 'stale'
        END);
        IF status IS NOT NULL THEN
            RETURN QUERY SELECT status, was.version, was.party_id, was.ovn::text, was.body;
            RETURN;
        END IF;
    ELSIF p_expected IS NOT NULL THEN
        RETURN QUERY SELECT 'absent', NULL::integer, NULL::text, NULL::text, NULL::bytea;
        RETURN;
    END IF;
    SELECT w.status, w.version, w.party_id, w.ovn INTO said
    FROM zone_write(p_zone_id, p_party_id, p_account_id, p_token_sha256, p_now_ms, p_request, p_request_sha256,
                    was.ovn, p_ovn, p_start_ms, p_end_ms, p_body, false, p_uss_base_url, p_lock, p_cells,
                    p_restriction, p_identity, p_source) w
    LIMIT 1;
    IF said.status = 'written' AND p_key IS NOT NULL THEN
        INSERT INTO plan_idempotency (account_id, key, request_sha256, status, response, at_ms)
        VALUES (p_account_id, p_key, p_request_sha256, p_key_status, p_key_response, p_now_ms);
    END IF;
    RETURN QUERY SELECT said.status, said.version, said.party_id, said.ovn, NULL::bytea;
END $$;

-- Zones that may close the air to a party's plan: those of others that are prohibited, or whose rule their manager
-- elsewhere knows. What `plan_write` looks at under its lock; a superset by cell, height and time.
CREATE FUNCTION zone_closing(p_search bigint[], p_party_id text) RETURNS SETOF zone
LANGUAGE plpgsql STABLE SET plan_cache_mode = force_generic_plan AS $$
#variable_conflict use_column
BEGIN
    IF EXISTS (SELECT 1 FROM zone_cell) THEN
        RETURN QUERY
            SELECT z.* FROM zone_meeting(p_search) m JOIN zone z USING (zone_id)
            WHERE z.party_id <> p_party_id AND (z.restriction IS NULL OR z.restriction = 'prohibited');
    END IF;
END $$;
