-- What a new experiment learned from before its first impression: another experiment's log or a file. Kept here, so that every posterior
-- can be accumulated anew although the file may be gone.

CREATE TABLE warm_rows (
    experiment text             NOT NULL REFERENCES experiments (key),
    ordinal    integer          NOT NULL CHECK (ordinal >= 0),
    adopted_at timestamptz      NOT NULL,
    arm        text             NOT NULL,
    context    jsonb            NOT NULL,
    reward     double precision NOT NULL,
    PRIMARY KEY (experiment, ordinal)
);
COMMENT ON TABLE warm_rows IS 'Rows that a new experiment was started from; they carry no unit.';
COMMENT ON COLUMN warm_rows.ordinal IS 'Order of their own times, oldest first.';
COMMENT ON COLUMN warm_rows.adopted_at IS 'When the experiment took them over; they age from then, not from their own times.';

ALTER TABLE snapshots DROP CONSTRAINT snapshots_kind_check;
ALTER TABLE snapshots ADD CONSTRAINT snapshots_kind_check
    CHECK (kind IN ('prior', 'increment', 'retrain', 'rollback', 'adapted', 'warm'));
