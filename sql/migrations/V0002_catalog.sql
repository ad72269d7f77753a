-- What is stored about experiments: applied versions, serving snapshots, the learner's state, the kill switch, and who did what.

CREATE TABLE experiments (
    key        text        PRIMARY KEY,
    version    integer     NOT NULL CHECK (version >= 1),
    created_at timestamptz NOT NULL DEFAULT clock_timestamp()
);
COMMENT ON COLUMN experiments.version IS 'The version in force.';

CREATE TABLE experiment_versions (
    experiment  text        NOT NULL REFERENCES experiments (key),
    version     integer     NOT NULL CHECK (version >= 1),
    source_text text        NOT NULL,
    document    jsonb       NOT NULL,
    digest      text        NOT NULL,
    applied_at  timestamptz NOT NULL DEFAULT clock_timestamp(),
    applied_by  text        NOT NULL,
    PRIMARY KEY (experiment, version)
);
COMMENT ON COLUMN experiment_versions.source_text IS 'The file as it was applied.';
COMMENT ON COLUMN experiment_versions.document IS 'The validated experiment.';

-- The kill switch: while the row stands everybody gets control, whatever the file says.
CREATE TABLE experiment_pauses (
    experiment text        PRIMARY KEY REFERENCES experiments (key),
    paused_at  timestamptz NOT NULL DEFAULT clock_timestamp(),
    paused_by  text        NOT NULL,
    note       text
);

-- Serving snapshots. Publishing is compare-and-set: the primary key refuses a second child of the same version number.
CREATE TABLE snapshots (
    experiment         text        NOT NULL REFERENCES experiments (key),
    version            integer     NOT NULL CHECK (version >= 1),
    parent             integer     CHECK (parent < version),
    kind               text        NOT NULL CHECK (kind IN ('prior', 'increment', 'retrain', 'rollback', 'adapted')),
    experiment_version integer     NOT NULL,
    network_version    integer     NOT NULL,
    bytes              bytea       NOT NULL,
    checksum           bytea       NOT NULL,
    metrics            jsonb       NOT NULL DEFAULT '{}',
    created_at         timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (experiment, version),
    FOREIGN KEY (experiment, experiment_version) REFERENCES experiment_versions (experiment, version)
);
COMMENT ON COLUMN snapshots.network_version IS 'The snapshot that first carried this encoder and network.';
-- Trained weights do not compress; trying costs time.
ALTER TABLE snapshots ALTER COLUMN bytes SET STORAGE EXTERNAL;

-- The learner's state: one row, committed together with the contributions it has booked. `revision` grows with every change, so that a
-- writer notices another.
CREATE TABLE learner_states (
    experiment      text        PRIMARY KEY REFERENCES experiments (key),
    parent_snapshot integer     NOT NULL,
    position        bigint      NOT NULL DEFAULT 0,
    state           bytea       NOT NULL,
    pinned          boolean     NOT NULL DEFAULT false,
    revision        bigint      NOT NULL DEFAULT 0,
    updated_at      timestamptz NOT NULL DEFAULT clock_timestamp()
);
COMMENT ON COLUMN learner_states.position IS 'Everything in the log up to here has been seen.';
ALTER TABLE learner_states ALTER COLUMN state SET STORAGE EXTERNAL;

-- What each counted impression has contributed to the posterior: nothing while its window is open, its booked reward afterwards.
CREATE TABLE contributions (
    experiment    text             NOT NULL REFERENCES experiments (key),
    impression_id uuid             NOT NULL,
    occurred_at   timestamptz      NOT NULL,
    matures_at    timestamptz      NOT NULL,
    reward        double precision,
    PRIMARY KEY (experiment, impression_id)
);
CREATE INDEX contributions_open ON contributions (experiment, matures_at) WHERE reward IS NULL;
CREATE INDEX contributions_by_time ON contributions (experiment, occurred_at);
COMMENT ON COLUMN contributions.reward IS 'The reward that has been folded in; null until the window has closed.';

CREATE TABLE audit_log (
    id         bigint      GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    at         timestamptz NOT NULL DEFAULT clock_timestamp(),
    actor      text        NOT NULL,
    action     text        NOT NULL,
    experiment text,
    detail     jsonb       NOT NULL DEFAULT '{}'
);
