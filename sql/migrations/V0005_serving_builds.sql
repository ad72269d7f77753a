-- Which programs served what: an audit demands equal bits of a row only where every program that served its version and snapshot is the one
-- that audits. A server adds its row before it serves the pair; so the log itself need not repeat this on every impression.
CREATE TABLE serving_builds (
    experiment         text        NOT NULL REFERENCES experiments (key),
    experiment_version integer     NOT NULL,
    snapshot           integer     NOT NULL,
    build              text        NOT NULL,
    platform           text        NOT NULL,
    first_at           timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (experiment, experiment_version, snapshot, build, platform)
);
COMMENT ON COLUMN serving_builds.snapshot IS '0 where none is served.';
COMMENT ON COLUMN serving_builds.build IS 'The beginning of the executable''s SHA-256.';
COMMENT ON COLUMN serving_builds.platform IS 'Operating system, architecture, and a fingerprint of the C library''s functions there.';
