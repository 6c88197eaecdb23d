-- What managers elsewhere told of their plans and zones: asked for, or sent to us. The newest version of each only.
CREATE TABLE peer_details (
    subject_id  uuid        PRIMARY KEY,
    kind        notice_kind NOT NULL,
    party_id    text        NOT NULL,
    version     integer     NOT NULL,
    ovn         text        NOT NULL,
    priority    bigint      NOT NULL,
    body        bytea       NOT NULL,
    sent_sha256 bytea       NOT NULL,
    received_ms bigint      NOT NULL
);
COMMENT ON COLUMN peer_details.body IS 'in our own words: a PlanBody, or a zone''s areas';
COMMENT ON COLUMN peer_details.sent_sha256 IS 'of what was told: the same version with other words is refused';
CREATE INDEX peer_details_by_time ON peer_details (received_ms);

-- Keeps what was told. False: a newer version is known, or other words of the same one.
CREATE FUNCTION peer_details_keep(
    p_subject_id uuid, p_kind text, p_party_id text, p_version integer, p_ovn text, p_priority bigint, p_body bytea,
    p_sent_sha256 bytea, p_now_ms bigint
) RETURNS boolean LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO peer_details AS d (subject_id, kind, party_id, version, ovn, priority, body, sent_sha256, received_ms)
    VALUES (p_subject_id, p_kind, p_party_id, p_version, p_ovn, p_priority, p_body, p_sent_sha256, p_now_ms)
    ON CONFLICT (subject_id) DO UPDATE
    SET kind = excluded.kind, party_id = excluded.party_id, version = excluded.version, ovn = excluded.ovn,
        priority = excluded.priority, body = excluded.body, sent_sha256 = excluded.sent_sha256,
        received_ms = excluded.received_ms
    WHERE d.version < excluded.version OR d.version = excluded.version AND d.sent_sha256 = excluded.sent_sha256;
    RETURN FOUND;
END $$;
