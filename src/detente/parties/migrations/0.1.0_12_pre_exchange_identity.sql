-- By what other makers' programs tell that several addresses are one exchange: made once, never changed.
CREATE TABLE exchange_identity (
    is_only     boolean PRIMARY KEY DEFAULT true CHECK (is_only),
    exchange_id uuid    NOT NULL DEFAULT gen_random_uuid()
);

INSERT INTO exchange_identity DEFAULT VALUES;
