-- What goes on beside declarations: separations between parties, and plans that end by themselves.

-- How far pairs of parties keep apart; party_b '' is everyone. Pairs are stored with party_a <= party_b.
CREATE TABLE separation_rule (
    party_a      text   NOT NULL,
    party_b      text   NOT NULL,
    horizontal_m double precision NOT NULL CHECK (horizontal_m BETWEEN 0 AND 100000),
    vertical_m   double precision NOT NULL CHECK (vertical_m BETWEEN 0 AND 10000),
    time_s       double precision NOT NULL CHECK (time_s BETWEEN 0 AND 86400),
    PRIMARY KEY (party_a, party_b)
);

-- Counts the changes of separation_rule, so that a decision made with old rules is noticed.
CREATE TABLE separation_epoch (
    one   boolean PRIMARY KEY DEFAULT true CHECK (one),
    epoch bigint  NOT NULL
);
INSERT INTO separation_epoch (epoch) VALUES (1);

-- When a plan is ended by the exchange itself. Off-nominal ones wait a day, because their craft may still be out there;
-- so do references of other managers, whose owners end them and may be slow about it.
CREATE FUNCTION plan_due_ms(p_state text, p_is_elsewhere boolean, p_end_ms bigint) RETURNS bigint
LANGUAGE sql IMMUTABLE AS $$
    SELECT p_end_ms + CASE WHEN p_is_elsewhere OR p_state IN ('nonconforming', 'contingent') THEN 86400000 ELSE 0 END
$$;
CREATE INDEX plan_to_expire ON plan (plan_due_ms(state, is_elsewhere, end_ms)) WHERE state <> 'ended';

-- Ends plans whose time is over: a batch, skipping what another server is about to end. Each gets its statement.
CREATE FUNCTION plan_expire(p_now_ms bigint, p_limit integer) RETURNS integer
LANGUAGE plpgsql AS $$
DECLARE
    due record;
    n integer := 0;
BEGIN
    FOR due IN
        SELECT p.plan_id, p.party_id, p.version, p.end_ms, p.subscription_id FROM plan p
        WHERE p.state <> 'ended' AND plan_due_ms(p.state, p.is_elsewhere, p.end_ms) <= p_now_ms
        ORDER BY plan_due_ms(p.state, p.is_elsewhere, p.end_ms) LIMIT p_limit FOR UPDATE SKIP LOCKED
    LOOP
        UPDATE plan p SET state = 'ended', version = p.version + 1, changed_ms = p_now_ms,
                          ovn = replace(gen_random_uuid()::text || gen_random_uuid()::text, '-', '')
        WHERE p.plan_id = due.plan_id;
        PERFORM plan_leave_index(due.plan_id);
        PERFORM subscription_drop_unused(due.subscription_id);
        PERFORM queue_statement('plan.expired', 'exchange', 'expiry', NULL, p_now_ms, due.plan_id::text,
                                due.version + 1,
                                convert_to(format('{"plan_id":"%s","version":%s,"end_ms":%s}',
                                                  due.plan_id, due.version, due.end_ms), 'UTF8'));
        n := n + 1;
    END LOOP;
    RETURN n;
END $$;

-- Sets or removes the separation of a pair (null metres remove it), and counts the change.
CREATE FUNCTION separation_write(
    p_party_a text, p_party_b text, p_horizontal_m double precision, p_vertical_m double precision,
    p_time_s double precision, p_party_id text, p_account_id text, p_token_sha256 bytea, p_now_ms bigint,
    p_request bytea
) RETURNS boolean LANGUAGE plpgsql AS $$
DECLARE
    changed integer;
BEGIN
    UPDATE separation_epoch SET epoch = epoch + 1;
    IF p_horizontal_m IS NULL THEN
        DELETE FROM separation_rule r WHERE r.party_a = p_party_a AND r.party_b = p_party_b;
    ELSE
        INSERT INTO separation_rule VALUES (p_party_a, p_party_b, p_horizontal_m, p_vertical_m, p_time_s)
        ON CONFLICT (party_a, party_b) DO UPDATE
        SET horizontal_m = excluded.horizontal_m, vertical_m = excluded.vertical_m, time_s = excluded.time_s;
    END IF;
    GET DIAGNOSTICS changed = ROW_COUNT;
    IF changed = 0 THEN
        RETURN false;
    END IF;
    PERFORM queue_statement(CASE WHEN p_horizontal_m IS NULL THEN 'separation.removed' ELSE 'separation.set' END,
                            p_party_id, p_account_id, p_token_sha256, p_now_ms,
                            p_party_a || '/' || p_party_b, NULL, p_request);
    RETURN true;
END $$;
