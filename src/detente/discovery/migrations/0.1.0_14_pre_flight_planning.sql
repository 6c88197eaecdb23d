-- What a test harness plans through its own interface: its ids for plans, its requests, and what its user was told.
-- The rows are empty unless a server is told to serve the test interfaces.

-- The harness chooses an id for a flight; the plan has one of ours. A flight that was closed may be planned again.
CREATE TABLE harness_flight (
    party_id       text NOT NULL,
    flight_plan_id uuid NOT NULL,
    plan_id        uuid NOT NULL,
    PRIMARY KEY (party_id, flight_plan_id)
);
CREATE UNIQUE INDEX harness_flight_by_plan ON harness_flight (plan_id);

-- The first answer to each request: the same request again gets it again.
CREATE TABLE harness_request (
    party_id       text   NOT NULL,
    request_key    bytea  NOT NULL,
    request_sha256 bytea  NOT NULL,
    answer         bytea  NOT NULL,
    at_ms          bigint NOT NULL,
    PRIMARY KEY (party_id, request_key)
);
COMMENT ON COLUMN harness_request.request_key IS 'SHA-256 of the request_id: a text of any length and with any character';
CREATE INDEX harness_request_by_time ON harness_request (at_ms);

CREATE TABLE harness_notification (
    notification_id bigint  GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    party_id        text    NOT NULL,
    plan_id         uuid    NOT NULL,
    conflicts       integer NOT NULL CHECK (conflicts > 0),
    message         text    NOT NULL,
    observed_ms     bigint  NOT NULL
);
CREATE INDEX harness_notification_by_time ON harness_notification (observed_ms);

-- What a user was told of already: two plans by their OVNs, so that each meeting of two versions is told once,
-- whichever process sees it first and from whichever side; or a request that was refused.
CREATE TABLE harness_told (
    party_id text   NOT NULL,
    mine     text   NOT NULL,
    other    text   NOT NULL,
    at_ms    bigint NOT NULL,
    PRIMARY KEY (party_id, mine, other)
);
CREATE INDEX harness_told_by_time ON harness_told (at_ms);

-- How far the changes of plans were looked at for a party: everything up to here was told.
CREATE TABLE harness_reader (
    party_id     text   PRIMARY KEY,
    xact         bigint NOT NULL,
    statement_id bigint NOT NULL
);
