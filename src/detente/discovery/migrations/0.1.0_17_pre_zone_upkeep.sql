-- References of zones whose managers forgot to withdraw them go a day after their time, as those of plans do.
CREATE FUNCTION zone_expire(p_now_ms bigint, p_limit integer) RETURNS integer LANGUAGE plpgsql AS $$
DECLARE
    due record;
    n integer := 0;
BEGIN
    FOR due IN
        SELECT z.zone_id, z.version, z.end_ms FROM zone z
        WHERE z.is_elsewhere AND z.end_ms <= p_now_ms - 86400000
        ORDER BY z.end_ms LIMIT p_limit FOR UPDATE SKIP LOCKED
    LOOP
        DELETE FROM zone z WHERE z.zone_id = due.zone_id;
        DELETE FROM zone_cell c WHERE c.zone_id = due.zone_id;
        PERFORM queue_statement('zone.expired', 'exchange', 'expiry', NULL, p_now_ms, due.zone_id::text, due.version + 1,
                                convert_to(format('{"zone_id":"%s","version":%s,"end_ms":%s}',
                                                  due.zone_id, due.version, due.end_ms), 'UTF8'));
        n := n + 1;
    END LOOP;
    RETURN n;
END $$;
