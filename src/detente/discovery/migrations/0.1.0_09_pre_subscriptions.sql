-- Who wants to be told of changes, and who is down. Source: F3548-21, subscriptions and USS availability.

CREATE DOMAIN party_availability_state AS text CHECK (VALUE IN ('unknown', 'normal', 'down'));

-- A party without a row is unknown, which is as good as normal.
CREATE TABLE party_availability (
    party_id     text PRIMARY KEY,
    availability party_availability_state NOT NULL,
    version      text   NOT NULL,
    changed_ms   bigint NOT NULL
);

-- Explicit subscriptions have extents and rows of the index. Implicit ones have neither: they reach as far as the plans
-- that depend on them, and are found through the rows of those.
CREATE TABLE subscription (
    subscription_id    uuid    PRIMARY KEY,
    party_id           text    NOT NULL,
    version            text    NOT NULL,
    notification_index integer NOT NULL DEFAULT 0,
    uss_base_url       text,
    tells_plans        boolean NOT NULL,
    tells_zones        boolean NOT NULL,
    is_implicit        boolean NOT NULL,
    start_ms           bigint,
    end_ms             bigint,
    extents            bytea,
    CHECK (is_implicit = (start_ms IS NULL) AND is_implicit = (end_ms IS NULL))
) WITH (fillfactor = 50);  -- counting up rewrites the row: room for it on its page
COMMENT ON COLUMN subscription.uss_base_url IS 'null: of a party that is hosted here, whose people hear of changes by themselves';
CREATE INDEX subscription_by_party ON subscription (party_id, subscription_id);
CREATE INDEX subscription_by_end ON subscription (end_ms) WHERE end_ms IS NOT NULL;
CREATE INDEX subscription_elsewhere ON subscription (subscription_id) WHERE uss_base_url IS NOT NULL;

CREATE TABLE subscription_cell (
    parent          bigint   NOT NULL,
    span            smallint NOT NULL,
    end_ms          bigint   NOT NULL,
    start_ms        bigint   NOT NULL,
    mask            bigint   NOT NULL,
    lower           integer  NOT NULL,
    upper           integer  NOT NULL,
    subscription_id uuid     NOT NULL
);
CREATE INDEX subscription_cell_find ON subscription_cell (parent, span, end_ms);
CREATE INDEX subscription_cell_of ON subscription_cell (subscription_id);

-- What lies in the same cells, heights and times, ends included: as the standard's discovery service compares. The footprint
-- itself is not looked at, so neighbours of a cell are found too. Made from one text for plans, zones and subscriptions;
-- OFFSET 0 as in `plan_neighbours`.
DO $make$
DECLARE
    one record;
BEGIN
    FOR one IN SELECT * FROM (VALUES ('plan_meeting', 'plan_id', 'plan_cell'), ('zone_meeting', 'zone_id', 'zone_cell'),
                                     ('subscription_meeting', 'subscription_id', 'subscription_cell')) AS v (name, id, cells)
    LOOP
        EXECUTE format($text$
            CREATE FUNCTION %1$I(p_search bigint[]) RETURNS TABLE (%2$I uuid)
            LANGUAGE plpgsql STABLE ROWS 5 SET plan_cache_mode = force_generic_plan AS $$
            #variable_conflict use_column
            BEGIN
                RETURN QUERY
                SELECT DISTINCT near.found
                FROM plan_rows(p_search) q
                CROSS JOIN plan_spans s
                CROSS JOIN LATERAL (
                    SELECT c.%2$I AS found FROM %3$I c
                    WHERE c.parent = q.parent AND c.span = s.span
                      AND c.end_ms >= q.start_ms AND c.end_ms <= q.end_ms + s.longest_ms
                      AND c.start_ms <= q.end_ms
                      AND c.mask & q.mask <> 0
                      AND c.lower <= q.upper AND c.upper >= q.lower
                    OFFSET 0) near;
            END $$
        $text$, one.name, one.id, one.cells);
    END LOOP;
END $make$;

-- Counts up every subscription that a change of plans (or of zones) is told to, and answers them. Called last in a write:
-- rows of subscriptions are what writers in one place wait for, so they are held shortest, in the order of their ids.
CREATE FUNCTION subscription_tell(
    p_rows bigint[], p_of_plans boolean, p_elsewhere_only boolean, p_now_ms bigint,
    p_hidden_id uuid DEFAULT NULL  -- a plan that shares conflicts only: told to those alone who were named it
)
RETURNS TABLE (subscription_id uuid, party_id text, uss_base_url text, notification_index integer)
LANGUAGE plpgsql SET plan_cache_mode = force_generic_plan AS $$
#variable_conflict use_column
DECLARE
    found uuid[];
    hosted uuid[];
BEGIN
    IF NOT p_elsewhere_only THEN
        hosted := ARRAY(SELECT p.plan_id FROM plan_meeting(p_rows) m JOIN plan p USING (plan_id)
                        WHERE p.subscription_id = p.plan_id AND NOT p.is_elsewhere);
        IF cardinality(hosted) > 0 THEN
            INSERT INTO subscription (subscription_id, party_id, version, uss_base_url, tells_plans, tells_zones, is_implicit)
            SELECT p.plan_id, p.party_id, p.plan_id::text, NULL, true, true, true
            FROM plan p WHERE p.plan_id = ANY (hosted) ORDER BY p.plan_id
            ON CONFLICT DO NOTHING;
        END IF;
    END IF;
    -- Explicit ones reach as far as they say and no further, whatever plans depend on them.
    found := ARRAY(SELECT m.subscription_id FROM subscription_meeting(p_rows) m
                   JOIN subscription s USING (subscription_id) WHERE s.end_ms >= p_now_ms
                   UNION
                   SELECT s.subscription_id FROM plan_meeting(p_rows) m JOIN plan p USING (plan_id)
                   JOIN subscription s USING (subscription_id)
                   WHERE s.is_implicit AND s.party_id = p.party_id
                     AND NOT (p_elsewhere_only AND s.uss_base_url IS NULL));
    PERFORM 1 FROM subscription s WHERE s.subscription_id = ANY (found) ORDER BY s.subscription_id FOR UPDATE;
    RETURN QUERY
        UPDATE subscription s SET notification_index = s.notification_index + 1
        WHERE s.subscription_id = ANY (found) AND CASE WHEN p_of_plans THEN s.tells_plans ELSE s.tells_zones END
          AND NOT (p_elsewhere_only AND s.uss_base_url IS NULL)
          AND (p_hidden_id IS NULL OR EXISTS (SELECT 1 FROM plan_shown_to w
                                              WHERE w.plan_id = p_hidden_id AND w.party_id = s.party_id
                                                AND w.until_ms > p_now_ms))
        RETURNING s.subscription_id, s.party_id,
                  coalesce(s.uss_base_url, (SELECT p.uss_base_url FROM plan p WHERE p.plan_id = s.subscription_id)),
                  s.notification_index;
END $$;

-- What a write of a plan that is hosted here does about subscribers elsewhere: count them up and queue what they must
-- be told. Parties that are hosted here hear of it by the feed.
CREATE FUNCTION subscription_tell_peers(
    p_plan_id uuid, p_party_id text, p_is_hidden boolean, p_rows bigint[], p_now_ms bigint
)
RETURNS void LANGUAGE plpgsql SET plan_cache_mode = force_generic_plan AS $$
BEGIN
    IF NOT EXISTS (SELECT 1 FROM subscription s WHERE s.uss_base_url IS NOT NULL) THEN
        RETURN;
    END IF;
    PERFORM notice_queue(p_party_id, 'plan', p_plan_id, t.uss_base_url, t.subscriptions, p_now_ms)
    FROM (SELECT told.uss_base_url,
                 convert_to(json_agg(json_build_object('subscription_id', told.subscription_id,
                                                       'notification_index', told.notification_index))::text, 'UTF8')
                     AS subscriptions
          FROM subscription_tell(p_rows, true, true, p_now_ms, CASE WHEN p_is_hidden THEN p_plan_id END) told
          GROUP BY told.uss_base_url) t;
END $$;

-- Drops an implicit subscription on which no plan depends any more.
CREATE FUNCTION subscription_drop_unused(p_subscription_id uuid) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    PERFORM 1 FROM subscription s WHERE s.subscription_id = p_subscription_id AND s.is_implicit FOR UPDATE;
    -- A statement of its own: it sees the plan that took the subscription while this call waited for the row.
    DELETE FROM subscription s
    WHERE s.subscription_id = p_subscription_id AND s.is_implicit
      AND NOT EXISTS (SELECT 1 FROM plan p
                      WHERE p.subscription_id = s.subscription_id AND p.state <> 'ended');
END $$;

-- Subscriptions as they are answered: implicit ones last as long as their plans.
CREATE VIEW subscription_now AS
    SELECT s.subscription_id, s.party_id, s.version, s.notification_index,
           coalesce(s.uss_base_url, (SELECT p.uss_base_url FROM plan p WHERE p.plan_id = s.subscription_id)) AS uss_base_url,
           s.tells_plans, s.tells_zones,
           s.is_implicit, coalesce(s.start_ms, d.start_ms) AS start_ms, coalesce(s.end_ms, d.end_ms) AS end_ms, d.plan_ids
    FROM subscription s
    CROSS JOIN LATERAL (SELECT min(p.start_ms) AS start_ms, max(p.end_ms) AS end_ms,
                               coalesce(array_agg(p.plan_id ORDER BY p.plan_id), '{}') AS plan_ids
                        FROM plan p
                        WHERE p.state <> 'ended'
                          AND (p.subscription_id = s.subscription_id AND p.subscription_id <> p.plan_id
                               OR s.is_implicit AND p.plan_id = s.subscription_id
                                  AND p.subscription_id = s.subscription_id)) d;

-- Makes, changes or ends (p_rows null) a subscription. An implicit one that is changed becomes explicit: it reaches as
-- far as it says from then on, and stays when its plans go. Answers one status:
--   'written'  'exists' (for a new one)  'absent'  'foreign'  'stale'
--   'needed'     plans depend on it: it cannot end, or go silent about plans
--   'look'       plans depend on it that were not examined at their present version: do they lie inside?
--   'implicit'   it is that of a plan that is hosted here, and goes with it
--   'unlocked'   a cell of p_lock has no row yet
CREATE FUNCTION subscription_write(
    p_subscription_id uuid, p_party_id text, p_account_id text, p_token_sha256 bytea, p_now_ms bigint, p_request bytea,
    p_expected text, p_version text, p_uss_base_url text, p_tells_plans boolean, p_tells_zones boolean,
    p_start_ms bigint, p_end_ms bigint, p_extents bytea, p_lock bigint[], p_rows bigint[],
    p_inside_ids uuid[], p_inside_ovns text[]  -- plans that depend on it, examined and found to lie inside
) RETURNS text LANGUAGE plpgsql SET plan_cache_mode = force_generic_plan AS $$
DECLARE
    was subscription%ROWTYPE;
    locked integer;
    wanted bigint[] := ARRAY(SELECT u FROM unnest(p_lock) AS u
                             UNION SELECT c.parent FROM subscription_cell c WHERE c.subscription_id = p_subscription_id);
BEGIN
    -- Shared: plans wait for a subscription that is being made, subscriptions do not wait for each other.
    PERFORM 1 FROM plan_cell_lock l WHERE l.parent = ANY (wanted) ORDER BY l.parent FOR SHARE;
    GET DIAGNOSTICS locked = ROW_COUNT;
    IF locked < cardinality(wanted) THEN
        RETURN 'unlocked';
    END IF;
    SELECT * INTO was FROM subscription s WHERE s.subscription_id = p_subscription_id FOR UPDATE;
    IF p_expected IS NULL AND (FOUND OR EXISTS (SELECT 1 FROM plan p WHERE p.plan_id = p_subscription_id
                                                                       AND p.subscription_id = p.plan_id)) THEN
        RETURN 'exists';
    ELSIF p_expected IS NOT NULL THEN
        IF NOT FOUND THEN
            RETURN 'absent';
        ELSIF was.party_id <> p_party_id THEN
            RETURN 'foreign';
        ELSIF was.version <> p_expected THEN
            RETURN 'stale';
        ELSIF p_rows IS NULL AND EXISTS (SELECT 1 FROM plan p WHERE p.subscription_id = p_subscription_id
                                                                AND p.state <> 'ended') THEN
            RETURN 'needed';
        ELSIF was.is_implicit AND was.uss_base_url IS NULL THEN
            RETURN 'implicit';
        ELSIF NOT p_tells_plans AND EXISTS (SELECT 1 FROM plan p WHERE p.subscription_id = p_subscription_id
                                                                   AND p.state <> 'ended') THEN
            RETURN 'needed';
        ELSIF EXISTS (SELECT 1 FROM plan p
                      WHERE p.subscription_id = p_subscription_id AND p.state <> 'ended'
                        AND NOT EXISTS (SELECT 1 FROM unnest(p_inside_ids, p_inside_ovns) AS k (id, ovn)
                                        WHERE k.id = p.plan_id AND k.ovn = p.ovn)) THEN
            RETURN 'look';
        END IF;
        DELETE FROM subscription_cell c WHERE c.subscription_id = p_subscription_id;
    END IF;

    IF p_rows IS NULL THEN
        DELETE FROM subscription s WHERE s.subscription_id = p_subscription_id;
    ELSE
        INSERT INTO subscription AS s (subscription_id, party_id, version, uss_base_url, tells_plans, tells_zones, is_implicit,
                                       start_ms, end_ms, extents)
        VALUES (p_subscription_id, p_party_id, p_version, p_uss_base_url, p_tells_plans, p_tells_zones, false,
                p_start_ms, p_end_ms, p_extents)
        ON CONFLICT (subscription_id) DO UPDATE
        SET version = excluded.version, uss_base_url = excluded.uss_base_url, tells_plans = excluded.tells_plans,
            tells_zones = excluded.tells_zones, is_implicit = false, start_ms = excluded.start_ms,
            end_ms = excluded.end_ms, extents = excluded.extents
        WHERE s.party_id = excluded.party_id AND s.version = p_expected;
        IF NOT FOUND THEN  -- made by somebody else while this call waited
            RETURN 'exists';
        END IF;
        INSERT INTO subscription_cell (parent, span, end_ms, start_ms, mask, lower, upper, subscription_id)
        SELECT r.parent, r.span, r.end_ms, r.start_ms, r.mask, r.lower, r.upper, p_subscription_id FROM plan_rows(p_rows) r;
    END IF;
    PERFORM queue_statement(
        CASE WHEN p_rows IS NULL THEN 'subscription.ended' WHEN p_expected IS NULL THEN 'subscription.made'
             ELSE 'subscription.changed' END,
        p_party_id, p_account_id, p_token_sha256, p_now_ms, p_subscription_id::text, NULL, p_request);
    RETURN 'written';
END $$;
