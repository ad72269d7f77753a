-- How far each server's local journal has been copied into these tables. The row moves in the transaction that brings the records, so that
-- every record arrives exactly once, whatever crashes when.

CREATE TABLE journal_offsets (
    journal     uuid        PRIMARY KEY,
    segment     integer     NOT NULL CHECK (segment >= 1),
    byte_offset bigint      NOT NULL CHECK (byte_offset >= 0),
    updated_at  timestamptz NOT NULL DEFAULT clock_timestamp()
);
COMMENT ON TABLE journal_offsets IS 'One row per journal, that is per start of a server; records before segment and byte_offset are in the log.';
