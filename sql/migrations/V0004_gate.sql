-- What the gate found out about each newly fitted encoder and network (a candidate), and what became of it.

CREATE TABLE gate_looks (
    experiment         text        NOT NULL REFERENCES experiments (key),
    candidate          integer     NOT NULL CHECK (candidate >= 1),
    lineage            integer     NOT NULL,
    look               integer     NOT NULL CHECK (look >= 1),
    judged_at          timestamptz NOT NULL,
    experiment_version integer     NOT NULL,
    serving            integer     NOT NULL,
    decision           text        NOT NULL,
    reason             text        NOT NULL,
    numbers            jsonb       NOT NULL,
    approved           boolean     NOT NULL,
    published          integer,
    note               text,
    bytes              bytea,
    checksum           bytea,
    PRIMARY KEY (experiment, candidate),
    UNIQUE (experiment, lineage, look),
    FOREIGN KEY (experiment, experiment_version) REFERENCES experiment_versions (experiment, version),
    FOREIGN KEY (experiment, published) REFERENCES snapshots (experiment, version),
    CONSTRAINT gate_looks_bytes CHECK ((bytes IS NULL) = (checksum IS NULL))
);
COMMENT ON COLUMN gate_looks.candidate IS 'Counts the candidates of an experiment.';
COMMENT ON COLUMN gate_looks.lineage IS 'The prior snapshot that learning began with; looks are counted, and alpha is spent, per lineage.';
COMMENT ON COLUMN gate_looks.look IS 'Which look of its lineage, from 1: it spends alpha / (look (look + 1)).';
COMMENT ON COLUMN gate_looks.judged_at IS 'By the clock against which attribution windows close.';
COMMENT ON COLUMN gate_looks.serving IS 'The snapshot that the candidate was compared with; it may be gone by now.';
COMMENT ON COLUMN gate_looks.numbers IS 'Selected numbers: they decide, and are no estimate of what a policy earns.';
COMMENT ON COLUMN gate_looks.approved IS 'Whether its network is what later candidates are held against, so that small losses do not add up.';
COMMENT ON COLUMN gate_looks.published IS 'The snapshot that carried it into service; null while it is kept back.';
COMMENT ON COLUMN gate_looks.note IS 'Why a person published it all the same.';
COMMENT ON COLUMN gate_looks.bytes IS 'The candidate as a snapshot, while it is kept back and among the newest of those.';
ALTER TABLE gate_looks ALTER COLUMN bytes SET STORAGE EXTERNAL;
CREATE UNIQUE INDEX gate_looks_published ON gate_looks (experiment, published) WHERE published IS NOT NULL;

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
