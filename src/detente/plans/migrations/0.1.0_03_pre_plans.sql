-- Plans and the index that finds their neighbours. Integers and b-trees only (decision 0002).

-- Domains rather than CHECK constraints: their expression is kept, a table's is parsed again for every insert.
CREATE DOMAIN plan_state AS text
    CHECK (VALUE IN ('accepted', 'activated', 'nonconforming', 'contingent', 'ended'));
CREATE DOMAIN plan_sharing AS text CHECK (VALUE IN ('full', 'volumes', 'conflicts'));
CREATE DOMAIN plan_ovn AS text CHECK (length(VALUE) BETWEEN 16 AND 128);
CREATE DOMAIN plan_priority AS smallint CHECK (VALUE BETWEEN 0 AND 100);

CREATE TABLE plan (
    plan_id        uuid     PRIMARY KEY,
    party_id       text     NOT NULL,
    account_id     text     NOT NULL,
    state          plan_state    NOT NULL,
    version        integer       NOT NULL,
    ovn            plan_ovn      NOT NULL,
    priority       plan_priority NOT NULL,
    sharing        plan_sharing  NOT NULL,
    start_ms       bigint   NOT NULL,
    end_ms         bigint   NOT NULL,
    changed_ms     bigint   NOT NULL,
    request_sha256 bytea    NOT NULL,
    body           bytea    NOT NULL,
    hidden_from    integer,
    is_elsewhere   boolean  NOT NULL DEFAULT false,
    uss_base_url   text,
    subscription_id uuid
) WITH (fillfactor = 80);
COMMENT ON COLUMN plan.is_elsewhere IS 'its manager keeps the details; the body holds the extents that bound them';
COMMENT ON COLUMN plan.uss_base_url IS 'where its manager answers; null: at the exchange''s own address';
COMMENT ON COLUMN plan.subscription_id IS 'keeps its manager told of changes; a plan that is hosted here names itself';
COMMENT ON COLUMN plan.hidden_from IS 'the version that hid from others what they saw before; null: never seen, or seen';

CREATE INDEX plan_by_start ON plan (start_ms, plan_id);
CREATE INDEX plan_by_party ON plan (party_id, start_ms, plan_id);
CREATE INDEX plan_elsewhere ON plan (plan_id) WHERE is_elsewhere AND state <> 'ended';
CREATE INDEX plan_by_subscription ON plan (subscription_id) WHERE subscription_id <> plan_id AND state <> 'ended';

-- One row for each volume and S2 cell of level 10; `mask` marks which of its 64 cells of level 13 are covered.
-- `span` bounds how long the volume lasts, so that a search by time can start at a known place.
CREATE TABLE plan_cell (
    parent    bigint   NOT NULL,
    span      smallint NOT NULL,
    end_ms    bigint   NOT NULL,
    start_ms  bigint   NOT NULL,
    mask      bigint   NOT NULL,
    datum     smallint NOT NULL,
    own_lower integer  NOT NULL,
    own_upper integer  NOT NULL,
    lower     integer  NOT NULL,
    upper     integer  NOT NULL,
    lat_lo    integer  NOT NULL,
    lat_hi    integer  NOT NULL,
    lon_lo    integer  NOT NULL,
    lon_hi    integer  NOT NULL,
    plan_id   uuid     NOT NULL,
    volume_ix smallint NOT NULL
);
COMMENT ON COLUMN plan_cell.own_lower IS 'centimetres above the volume''s own datum, rounded outward';
COMMENT ON COLUMN plan_cell.lower IS 'centimetres above the ellipsoid, widened by what the datum leaves open';
CREATE INDEX plan_cell_find ON plan_cell (parent, span, end_ms);
CREATE INDEX plan_cell_plan ON plan_cell (plan_id);

-- The same rows of plans that have ended: out of the way of every declaration, there for questions about the past.
CREATE TABLE plan_cell_ended (LIKE plan_cell INCLUDING COMMENTS);
CREATE INDEX plan_cell_ended_find ON plan_cell_ended (parent, span, end_ms);

-- What a declaration locks: one row for each cell of level 10 that any plan ever covered.
CREATE TABLE plan_cell_lock (
    parent bigint PRIMARY KEY
);

CREATE TABLE plan_idempotency (
    account_id     text    NOT NULL,
    key            text    NOT NULL CHECK (length(key) BETWEEN 1 AND 255),
    request_sha256 bytea   NOT NULL,
    status         integer NOT NULL,
    response       bytea   NOT NULL,
    at_ms          bigint  NOT NULL,
    PRIMARY KEY (account_id, key)
);
CREATE INDEX plan_idempotency_age ON plan_idempotency (at_ms);

-- Rows of the index as they come over the wire: 15 numbers a row in one array, which costs a fifteenth of
-- what fifteen arrays cost to send. The order is that of `plan_cell`, with the volume's number last.
CREATE FUNCTION plan_rows(p_packed bigint[]) RETURNS TABLE (
    parent bigint, span smallint, end_ms bigint, start_ms bigint, mask bigint, datum smallint,
    own_lower integer, own_upper integer, lower integer, upper integer,
    lat_lo integer, lat_hi integer, lon_lo integer, lon_hi integer, volume_ix smallint
) LANGUAGE sql IMMUTABLE ROWS 10 AS $$
    SELECT p_packed[i], p_packed[i + 1]::smallint, p_packed[i + 2], p_packed[i + 3], p_packed[i + 4],
           p_packed[i + 5]::smallint, p_packed[i + 6]::integer, p_packed[i + 7]::integer, p_packed[i + 8]::integer,
           p_packed[i + 9]::integer, p_packed[i + 10]::integer, p_packed[i + 11]::integer,
           p_packed[i + 12]::integer, p_packed[i + 13]::integer, p_packed[i + 14]::smallint
    FROM generate_series(1, cardinality(p_packed), 15) AS i
$$;

-- The duration classes: a row of `span` lasts no longer than `longest_ms`. The last holds what is longer than any plan
-- that is declared here: references of other managers may last for years.
CREATE VIEW plan_spans AS
    SELECT * FROM (VALUES (0::smallint, 1800000::bigint), (1::smallint, 10800000::bigint), (2::smallint, 86400000::bigint),
                          (3::smallint, 2678400000::bigint), (4::smallint, 600000000000000::bigint)) AS s (span, longest_ms);

-- Volumes of plans in force that may meet the volumes asked about: a superset, never a miss.
-- `p_search` holds rows as `plan_rows` reads them. OFFSET 0 keeps the inner search by itself: it must begin and end at
-- known places of the index for each row and span, and a planner that is free to reorder the joins reads a busy
-- cell to its end.
-- Made twice from one text: `plan_neighbours_ended` asks the same about plans that have ended.
DO $make$
DECLARE
    one record;
BEGIN
    FOR one IN SELECT * FROM (VALUES ('plan_neighbours', 'plan_cell'), ('plan_neighbours_ended', 'plan_cell_ended'))
                             AS v (name, cells)
    LOOP
        EXECUTE format($text$
            CREATE FUNCTION %I(p_search bigint[]) RETURNS TABLE (plan_id uuid, volume_ix smallint)
            LANGUAGE plpgsql STABLE ROWS 5 SET plan_cache_mode = force_generic_plan AS $$
            #variable_conflict use_column
            BEGIN
                RETURN QUERY
                SELECT DISTINCT near.plan_id, near.volume_ix
                FROM plan_rows(p_search) q
                CROSS JOIN plan_spans s
                CROSS JOIN LATERAL (
                    SELECT c.plan_id, c.volume_ix FROM %I c
                    WHERE c.parent = q.parent AND c.span = s.span
                      AND c.end_ms > q.start_ms AND c.end_ms <= q.end_ms + s.longest_ms
                      AND c.start_ms < q.end_ms
                      AND c.mask & q.mask <> 0
                      AND c.lat_lo <= q.lat_hi AND c.lat_hi >= q.lat_lo
                      AND c.lon_lo <= q.lon_hi AND c.lon_hi >= q.lon_lo
                      AND CASE WHEN c.datum = q.datum THEN c.own_lower < q.own_upper AND c.own_upper > q.own_lower
                               ELSE c.lower < q.upper AND c.upper > q.lower END
                    OFFSET 0) near;
            END $$
        $text$, one.name, one.cells);
    END LOOP;
END $make$;

-- What a plan that is declared here must look at: by box what is kept here, by cell what is kept elsewhere, whose
-- details may say more than its extents; those have no volume's number.
CREATE FUNCTION plan_near(p_search bigint[]) RETURNS TABLE (plan_id uuid, volume_ix smallint)
LANGUAGE plpgsql STABLE ROWS 5 SET plan_cache_mode = force_generic_plan AS $$
#variable_conflict use_column
BEGIN
    IF EXISTS (SELECT 1 FROM plan p WHERE p.is_elsewhere AND p.state <> 'ended') THEN
        RETURN QUERY
            SELECT f.plan_id, f.volume_ix FROM plan_neighbours(p_search) f JOIN plan p USING (plan_id)
            WHERE NOT p.is_elsewhere
            UNION ALL
            SELECT m.plan_id, 0::smallint FROM plan_meeting(p_search) m JOIN plan p USING (plan_id) WHERE p.is_elsewhere;
    ELSE
        RETURN QUERY SELECT f.plan_id, f.volume_ix FROM plan_neighbours(p_search) f;
    END IF;
END $$;

-- Locks the cells that a write needs: `p_lock`, and those where the plan stands now. Every writer of plans, zones and
-- subscriptions calls it, and looks at its neighbours in a later statement.
-- FOR UPDATE locks nothing where no row exists: false says that a cell of `p_lock` has none. Whoever called makes the
-- missing rows, in a transaction of its own, and calls again. So nobody waits for a row to be made while holding one:
-- no cycle can form.
CREATE FUNCTION plan_lock(p_plan_id uuid, p_lock bigint[]) RETURNS boolean
LANGUAGE plpgsql SET plan_cache_mode = force_generic_plan AS $$
DECLARE
    wanted bigint[] := ARRAY(SELECT u FROM unnest(p_lock) AS u
                             UNION SELECT c.parent FROM plan_cell c WHERE c.plan_id = p_plan_id);
    locked integer;
BEGIN
    PERFORM 1 FROM plan_cell_lock l WHERE l.parent = ANY (wanted) ORDER BY l.parent FOR UPDATE;
    GET DIAGNOSTICS locked = ROW_COUNT;
    RETURN locked = cardinality(wanted);
END $$;

-- A plan's rows of the index as `plan_rows` reads them; empty for a plan that has none.
CREATE FUNCTION plan_packed(p_plan_id uuid) RETURNS bigint[] LANGUAGE sql STABLE AS $$
    SELECT ARRAY(
        SELECT u FROM plan_cell c
        CROSS JOIN LATERAL unnest(ARRAY[c.parent, c.span, c.end_ms, c.start_ms, c.mask, c.datum, c.own_lower, c.own_upper,
                                        c.lower, c.upper, c.lat_lo, c.lat_hi, c.lon_lo, c.lon_hi, c.volume_ix]) AS u
        WHERE c.plan_id = p_plan_id)
$$;

-- Writes a plan at a version, its rows of the index and its statement; what was decided under the lock.
-- False: version 1 was asked for and the id is taken. A reference of another manager that has ended gives its id back.
CREATE FUNCTION plan_store(
    p_plan_id uuid, p_party_id text, p_account_id text, p_token_sha256 bytea, p_now_ms bigint,
    p_type text, p_request bytea, p_request_sha256 bytea, p_version integer,
    p_state text, p_ovn text, p_priority integer, p_sharing text, p_start_ms bigint, p_end_ms bigint, p_body bytea,
    p_is_elsewhere boolean, p_uss_base_url text, p_subscription_id uuid, p_recell boolean, p_cells bigint[]
) RETURNS boolean LANGUAGE plpgsql SET plan_cache_mode = force_generic_plan AS $$
BEGIN
    IF p_version = 1 THEN
        INSERT INTO plan AS p (plan_id, party_id, account_id, state, version, ovn, priority, sharing, start_ms, end_ms,
                               changed_ms, request_sha256, body, is_elsewhere, uss_base_url, subscription_id)
        VALUES (p_plan_id, p_party_id, p_account_id, p_state, 1, p_ovn, p_priority, p_sharing, p_start_ms, p_end_ms,
                p_now_ms, p_request_sha256, p_body, p_is_elsewhere, p_uss_base_url, p_subscription_id)
        ON CONFLICT (plan_id) DO UPDATE
        SET party_id = excluded.party_id, account_id = excluded.account_id, state = excluded.state, version = 1,
            ovn = excluded.ovn, priority = excluded.priority, sharing = excluded.sharing, start_ms = excluded.start_ms,
            end_ms = excluded.end_ms, changed_ms = excluded.changed_ms, request_sha256 = excluded.request_sha256,
            body = excluded.body, hidden_from = NULL, uss_base_url = excluded.uss_base_url,
            subscription_id = excluded.subscription_id
        WHERE p.state = 'ended' AND p.is_elsewhere AND excluded.is_elsewhere;
        IF NOT FOUND THEN
            RETURN false;
        END IF;
    ELSE
        UPDATE plan p SET account_id = p_account_id, state = p_state, version = p_version, ovn = p_ovn,
                          priority = p_priority, sharing = p_sharing, start_ms = p_start_ms, end_ms = p_end_ms,
                          changed_ms = p_now_ms, request_sha256 = p_request_sha256, body = p_body,
                          hidden_from = CASE WHEN p_sharing <> 'conflicts' THEN NULL
                                             WHEN p.sharing <> 'conflicts' THEN p_version
                                             ELSE p.hidden_from END,
                          uss_base_url = coalesce(p_uss_base_url, p.uss_base_url), subscription_id = p_subscription_id
        WHERE p.plan_id = p_plan_id;
    END IF;

    IF p_state = 'ended' THEN
        PERFORM plan_leave_index(p_plan_id);
    ELSIF p_recell THEN
        IF p_version > 1 THEN
            DELETE FROM plan_cell c WHERE c.plan_id = p_plan_id;
        END IF;
        INSERT INTO plan_cell (parent, span, end_ms, start_ms, mask, datum, own_lower, own_upper, lower, upper,
                               lat_lo, lat_hi, lon_lo, lon_hi, plan_id, volume_ix)
        SELECT r.parent, r.span, r.end_ms, r.start_ms, r.mask, r.datum, r.own_lower, r.own_upper, r.lower, r.upper,
               r.lat_lo, r.lat_hi, r.lon_lo, r.lon_hi, p_plan_id, r.volume_ix
        FROM plan_rows(p_cells) r;
    END IF;
    PERFORM queue_statement(p_type, p_party_id, p_account_id, p_token_sha256, p_now_ms, p_plan_id::text, p_version,
                            p_request);
    RETURN true;
END $$;

-- The verb that decides under concurrency: lock, look, decide, write, queue the statement. One call.
--
-- status 'written'   the plan stands at `version`
--        'look'      nothing written: these plans in force may conflict and were not among those examined
--        'look-zone' nothing written: zones (in `plan_id`) that may close the air there and were not among those examined
--        'same'      nothing written: this very request was carried out before
--        'replayed'  nothing written: the idempotency key's first answer is in `body`, its status in `version`
--        'reused'    nothing written: the idempotency key belongs to another request
--        'stale'     nothing written: `version` is the current one (null: there is no such plan)
--        'exists'    nothing written: a plan with this id exists
--        'reload'    nothing written: the separation rules have changed since they were read
--        'reread'    nothing written: the verb was decided on another version than the one that it names
--        'unlocked'  nothing written: a cell of `p_lock` has no row in plan_cell_lock yet
CREATE FUNCTION plan_write(
    p_plan_id uuid, p_party_id text, p_account_id text, p_token_sha256 bytea, p_now_ms bigint,
    p_type text, p_request bytea, p_request_sha256 bytea,
    p_expected integer,          -- the version that this changes; null declares a new plan
    p_decided integer,           -- the version that the caller read and decided on; null declares a new plan
    p_state text, p_ovn text, p_priority integer, p_sharing text, p_start_ms bigint, p_end_ms bigint, p_body bytea,
    p_looks boolean,             -- whether neighbours and zones must be looked for
    p_with_own boolean,          -- whether the party's own plans count as neighbours
    p_known_ids uuid[], p_known_ovns text[],   -- neighbours that were examined, at the version examined
    p_epoch bigint,
    p_key text, p_key_status integer, p_key_response bytea,
    p_lock bigint[],             -- cells to lock, distinct, ascending
    p_search bigint[],           -- where to look; null: where the plan itself is
    p_recell boolean,            -- whether the plan's rows in the index are replaced by the next
    p_cells bigint[],
    p_uss_base_url text,         -- where its party's own server answers; null: at the exchange's address
    p_known_zones text[] DEFAULT '{}'  -- OVNs of zones that were examined
) RETURNS TABLE (status text, plan_id uuid, version integer, ovn text, party_id text, state text,
                 priority smallint, sharing text, volume_ixs smallint[], body bytea,
                 is_elsewhere boolean, uss_base_url text, is_down boolean)
LANGUAGE plpgsql SET plan_cache_mode = force_generic_plan AS $$
#variable_conflict use_column
DECLARE
    was plan%ROWTYPE;
    kept plan_idempotency%ROWTYPE;
    before bigint[];
    written integer := coalesce(p_expected, 0) + 1;
BEGIN
    IF p_key IS NOT NULL THEN
        SELECT * INTO kept FROM plan_idempotency i WHERE i.account_id = p_account_id AND i.key = p_key;
        IF FOUND THEN
            IF kept.request_sha256 = p_request_sha256 THEN
                RETURN QUERY SELECT 'replayed', p_plan_id, kept.status, NULL::text, NULL::text, NULL::text,
                                    NULL::smallint, NULL::text, NULL::smallint[], kept.response, NULL::boolean, NULL::text, NULL::boolean;
            ELSE
                RETURN QUERY SELECT 'reused', p_plan_id, NULL::integer, NULL::text, NULL::text, NULL::text,
                                    NULL::smallint, NULL::text, NULL::smallint[], NULL::bytea, NULL::boolean, NULL::text, NULL::boolean;
            END IF;
            RETURN;
        END IF;
    END IF;

    -- The plan's own row first, then cells in key order: every writer keeps this order, so none can deadlock.
    SELECT * INTO was FROM plan p WHERE p.plan_id = p_plan_id FOR UPDATE;
    IF FOUND THEN
        IF was.party_id = p_party_id AND was.request_sha256 = p_request_sha256 AND was.version = written THEN
            RETURN QUERY SELECT 'same', was.plan_id, was.version, was.ovn::text, was.party_id, was.state::text, was.priority::smallint,
                                was.sharing::text, NULL::smallint[], was.body, NULL::boolean, NULL::text, NULL::boolean;
            RETURN;
        ELSIF p_expected IS NULL OR was.party_id <> p_party_id OR was.is_elsewhere THEN
            RETURN QUERY SELECT 'exists', was.plan_id, was.version, NULL::text, was.party_id, was.state::text,
                                was.priority::smallint, was.sharing::text, NULL::smallint[], NULL::bytea, NULL::boolean, NULL::text, NULL::boolean;
            RETURN;
        ELSIF was.version <> p_expected THEN
            RETURN QUERY SELECT 'stale', was.plan_id, was.version, NULL::text, was.party_id, was.state::text,
                                was.priority::smallint, was.sharing::text, NULL::smallint[], NULL::bytea, NULL::boolean, NULL::text, NULL::boolean;
            RETURN;
        END IF;
        -- State and body come from the version that was read; a version never changes, so they hold for that one only.
        IF p_decided IS DISTINCT FROM p_expected THEN
            RETURN QUERY SELECT 'reread', was.plan_id, was.version, NULL::text, NULL::text, NULL::text,
                                NULL::smallint, NULL::text, NULL::smallint[], NULL::bytea, NULL::boolean, NULL::text, NULL::boolean;
            RETURN;
        END IF;
    ELSIF p_expected IS NOT NULL THEN
        RETURN QUERY SELECT 'stale', p_plan_id, NULL::integer, NULL::text, NULL::text, NULL::text,
                            NULL::smallint, NULL::text, NULL::smallint[], NULL::bytea, NULL::boolean, NULL::text, NULL::boolean;
        RETURN;
    END IF;

    IF NOT plan_lock(p_plan_id, p_lock) THEN
        RETURN QUERY SELECT 'unlocked', p_plan_id, NULL::integer, NULL::text, NULL::text, NULL::text,
                            NULL::smallint, NULL::text, NULL::smallint[], NULL::bytea, NULL::boolean, NULL::text, NULL::boolean;
        RETURN;
    END IF;

    IF p_looks THEN
        -- A statement of its own, after the lock: its snapshot holds everything that was written under it before.
        RETURN QUERY
            SELECT 'reload', p_plan_id, NULL::integer, NULL::text, NULL::text, NULL::text,
                   NULL::smallint, NULL::text, NULL::smallint[], NULL::bytea, NULL::boolean, NULL::text, NULL::boolean
            FROM separation_epoch e WHERE e.epoch <> p_epoch
            UNION ALL
            (SELECT 'look', p.plan_id, p.version, p.ovn::text, p.party_id, p.state::text, p.priority::smallint,
                    p.sharing::text, n.ixs, p.body, p.is_elsewhere, p.uss_base_url,
                    p.is_elsewhere AND party_is_down(p.party_id)
             FROM (SELECT f.plan_id, array_agg(f.volume_ix) AS ixs
                   FROM plan_near(coalesce(p_search, p_cells)) f
                   WHERE f.plan_id <> p_plan_id
                   GROUP BY f.plan_id) n
             JOIN plan p ON p.plan_id = n.plan_id
             WHERE (p_with_own OR p.party_id <> p_party_id)
               AND NOT EXISTS (SELECT 1 FROM unnest(p_known_ids, p_known_ovns) AS k (id, ovn)
                               WHERE k.id = p.plan_id AND k.ovn = p.ovn)
             LIMIT 1000)
            UNION ALL
            (SELECT 'look-zone', z.zone_id, z.version, z.ovn::text, z.party_id, NULL::text, NULL::smallint,
                    NULL::text, NULL::smallint[], NULL::bytea, z.is_elsewhere, z.uss_base_url,
                    z.is_elsewhere AND party_is_down(z.party_id)
             FROM zone_closing(coalesce(p_search, p_cells), p_party_id) z
             WHERE z.ovn <> ALL (p_known_zones)
             LIMIT 1000);  -- the rest is sent when these have been examined
        IF FOUND THEN
            RETURN;
        END IF;
    END IF;

    IF p_expected IS NOT NULL AND was.sharing <> p_sharing THEN  -- while the plan still shows what it did
        PERFORM plan_refusal_note_sharing(p_plan_id, p_party_id);
    END IF;
    before := plan_packed(p_plan_id);
    IF NOT plan_store(
        p_plan_id, p_party_id, p_account_id, p_token_sha256, p_now_ms, p_type, p_request, p_request_sha256, written,
        p_state, p_ovn, p_priority, p_sharing, p_start_ms, p_end_ms, p_body, false, p_uss_base_url, p_plan_id,
        p_recell, p_cells
    ) THEN  -- declared by somebody else while this call waited for its locks
        RETURN QUERY SELECT 'exists', p_plan_id, NULL::integer, NULL::text, NULL::text, NULL::text,
                            NULL::smallint, NULL::text, NULL::smallint[], NULL::bytea, NULL::boolean, NULL::text, NULL::boolean;
        RETURN;
    END IF;
    IF p_expected IS NULL AND p_sharing = 'conflicts' THEN
        PERFORM plan_refusal_note_hidden(p_plan_id, p_party_id);
    END IF;

    IF p_key IS NOT NULL THEN
        INSERT INTO plan_idempotency (account_id, key, request_sha256, status, response, at_ms)
        VALUES (p_account_id, p_key, p_request_sha256, p_key_status, p_key_response, p_now_ms);
    END IF;
    PERFORM subscription_tell_peers(p_plan_id, p_party_id, p_sharing = 'conflicts',
                                    before || CASE WHEN p_recell THEN p_cells END, p_now_ms);
    IF p_state = 'ended' THEN
        PERFORM subscription_drop_unused(p_plan_id);
    END IF;
    status := 'written';
    RETURN NEXT;
END $$;

-- Takes a plan's rows out of the index of plans in force and keeps them among the ended.
CREATE FUNCTION plan_leave_index(p_plan_id uuid) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    WITH gone AS (DELETE FROM plan_cell c WHERE c.plan_id = p_plan_id RETURNING c.*)
    INSERT INTO plan_cell_ended SELECT * FROM gone;
END $$;
