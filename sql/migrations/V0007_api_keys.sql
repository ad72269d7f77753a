-- Who may ask what. A key is shown once, when it is made; here stands its hash alone. Keys are random and long, so a plain hash is enough.

CREATE TABLE api_keys (
    id         text        PRIMARY KEY,
    name       text        NOT NULL,
    hash       bytea       NOT NULL,
    scopes     text        NOT NULL,
    created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    created_by text        NOT NULL,
    expires_at timestamptz,
    revoked_at timestamptz
);
COMMENT ON COLUMN api_keys.id IS 'The part of the key that names it; no secret.';
COMMENT ON COLUMN api_keys.hash IS 'SHA-256 of the whole key.';
COMMENT ON COLUMN api_keys.scopes IS 'assign, convert, read, admin; joined by commas.';
