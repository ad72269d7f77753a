-- The event log: what was shown, what was proven to be shown, and what followed.
--
-- Every row of impressions, activations and conversions has a position from one sequence. Whoever writes takes positions while it holds the
-- transaction advisory lock of the log, so positions follow commit order: a reader that remembers a position never misses a row below it.

-- CACHE 1: a sequence that hands out blocks to sessions would not follow commit order.
CREATE SEQUENCE log_position AS bigint CACHE 1;

-- One row per assignment that was answered, partitioned by the day in its id (UUID version 7). There is no default partition: whoever writes
-- makes the partitions that its rows need.
CREATE TABLE impressions (
    id                 uuid             NOT NULL,
    position           bigint           NOT NULL DEFAULT nextval('log_position'),
    experiment         text             NOT NULL,
    experiment_version integer          NOT NULL,
    unit               text,
    variant            text             NOT NULL,
    reason             text             NOT NULL,
    context            jsonb            NOT NULL,
    eligible_arms      text[]           NOT NULL,
    propensities       double precision[],
    arm                text             NOT NULL,
    propensity         double precision,
    snapshot           integer,
    draw_key           text,
    deferred           boolean          NOT NULL DEFAULT false,
    duplicate_of       uuid,
    repeated_of        uuid,
    occurred_at        timestamptz      NOT NULL,
    received_at        timestamptz      NOT NULL,
    PRIMARY KEY (id),
    CONSTRAINT impressions_propensity CHECK (propensity > 0 AND propensity <= 1),
    CONSTRAINT impressions_propensities CHECK (propensities IS NULL OR cardinality(propensities) = cardinality(eligible_arms)),
    CONSTRAINT impressions_arm CHECK (arm = ANY (eligible_arms))
) PARTITION BY RANGE (id);
CREATE INDEX impressions_by_position ON impressions (experiment, position);
CREATE INDEX impressions_by_unit ON impressions (experiment, unit, occurred_at);

COMMENT ON TABLE impressions IS 'One row per assignment; enough, with the versions it names, to recompute the decision.';
COMMENT ON COLUMN impressions.propensities IS 'One probability per eligible arm; null for imported logs that hold only the chosen arm''s.';
COMMENT ON COLUMN impressions.deferred IS 'The row counts only once it has an activation.';
COMMENT ON COLUMN impressions.duplicate_of IS 'The first row with the same request id; this row does not count.';
COMMENT ON COLUMN impressions.repeated_of IS 'The row that was drawn for this sticky unit; this row does not count.';

-- Rows that do not stand for themselves and the row they stand for: impressions.duplicate_of and repeated_of, resolved to the row that was
-- drawn. Not partitioned, so that attribution finds them without visiting every day.
CREATE TABLE redirects (
    impression_id uuid   PRIMARY KEY,
    root          uuid   NOT NULL,
    position      bigint NOT NULL DEFAULT nextval('log_position')
);
CREATE INDEX redirects_by_root ON redirects (root);
CREATE INDEX redirects_by_position ON redirects (position);

CREATE TABLE activations (
    impression_id uuid        PRIMARY KEY,
    position      bigint      NOT NULL DEFAULT nextval('log_position'),
    occurred_at   timestamptz NOT NULL,
    received_at   timestamptz NOT NULL
);
CREATE INDEX activations_by_position ON activations (position);

-- An event names its impression, or the unit and the experiment; the impression need not be known (yet).
CREATE TABLE conversions (
    conversion_id text             PRIMARY KEY,
    position      bigint           NOT NULL DEFAULT nextval('log_position'),
    impression_id uuid,
    experiment    text,
    unit          text,
    kind          text             NOT NULL,
    value         double precision NOT NULL,
    margin        double precision,
    occurred_at   timestamptz      NOT NULL,
    received_at   timestamptz      NOT NULL,
    CONSTRAINT conversions_subject CHECK (
        (impression_id IS NOT NULL AND experiment IS NULL AND unit IS NULL)
        OR (impression_id IS NULL AND experiment IS NOT NULL AND unit IS NOT NULL)),
    CONSTRAINT conversions_finite CHECK (
        value > '-Infinity' AND value < 'Infinity' AND (margin IS NULL OR (margin > '-Infinity' AND margin < 'Infinity')))
);
CREATE INDEX conversions_by_impression ON conversions (impression_id) WHERE impression_id IS NOT NULL;
CREATE INDEX conversions_by_unit ON conversions (experiment, unit, occurred_at) WHERE unit IS NOT NULL;
CREATE INDEX conversions_by_position ON conversions (position);

COMMENT ON COLUMN conversions.conversion_id IS 'Chosen by the client; sending it again changes nothing.';
COMMENT ON COLUMN conversions.value IS 'For a purchase the amount paid; negative for a refund.';
COMMENT ON COLUMN conversions.margin IS 'The margin of this event where the shop knows it; it wins over the one computed from value.';

-- The first impression of each request id: the same request again gives the same answer.
CREATE TABLE request_keys (
    experiment    text NOT NULL,
    request_id    text NOT NULL,
    impression_id uuid NOT NULL,
    PRIMARY KEY (experiment, request_id)
);

-- The impression that was drawn for each sticky unit.
CREATE TABLE sticky_units (
    experiment    text NOT NULL,
    salt          text NOT NULL,
    unit          text NOT NULL,
    impression_id uuid NOT NULL,
    PRIMARY KEY (experiment, salt, unit)
);

-- Records the database refused, with their bytes, so that the rest of their batch could go on.
CREATE TABLE dead_letters (
    id        bigint      GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    at        timestamptz NOT NULL DEFAULT clock_timestamp(),
    kind      text        NOT NULL,
    sql_state text,
    message   text        NOT NULL,
    payload   bytea       NOT NULL
);

-- The impressions that stand for themselves and were really shown, as the log stood at a position: neither duplicates nor repetitions, and
-- activated where they were deferred. Those with reason POLICY count: they enter learning and off-policy evaluation. `counts_from` is the
-- position from which the row is shown.
CREATE FUNCTION shown_impressions(of_experiment text, through bigint DEFAULT 9223372036854775807)
RETURNS TABLE (
    id uuid, experiment text, experiment_version integer, unit text, variant text, reason text, context jsonb, eligible_arms text[],
    propensities double precision[], arm text, propensity double precision, snapshot integer, occurred_at timestamptz, "position" bigint,
    counts_from bigint, counted boolean)
LANGUAGE sql STABLE ROWS 100000 AS $$
    SELECT i.id, i.experiment, i.experiment_version, i.unit, i.variant, i.reason, i.context, i.eligible_arms, i.propensities, i.arm,
           i.propensity, i.snapshot, i.occurred_at, i.position,
           CASE WHEN i.deferred THEN greatest(i.position, a.position) ELSE i.position END, i.reason = 'POLICY'
      FROM impressions i
      LEFT JOIN activations a ON a.impression_id = i.id AND a.position <= through
     WHERE i.experiment = of_experiment AND i.position <= through
       AND i.duplicate_of IS NULL AND i.repeated_of IS NULL AND (NOT i.deferred OR a.impression_id IS NOT NULL)
$$;

-- The conversions of one shown impression, as the log stood at a position.
--
-- * A conversion that names the impression, or a row that redirects to it, counts if it occurred before the window closed (clocks differ:
--   also if it seems to precede the impression). A refund (negative value) that names its impression counts however late it comes.
-- * A conversion that names the unit goes to one of the unit's impressions whose window [occurred_at, occurred_at + window) covers it: to a
--   counted one before one that does not count, then to the latest.
CREATE FUNCTION conversions_of(
    of_impression uuid, of_experiment text, of_unit text, of_occurred_at timestamptz, of_counted boolean, of_position bigint,
    attribution_window interval, through bigint DEFAULT 9223372036854775807)
RETURNS TABLE (
    conversion_id text, kind text, value double precision, margin double precision, occurred_at timestamptz, "position" bigint)
LANGUAGE sql STABLE ROWS 1 AS $$
    SELECT c.conversion_id, c.kind, c.value, c.margin, c.occurred_at, c.position
      FROM conversions c
     WHERE c.impression_id = of_impression AND c.position <= through
       AND (c.occurred_at < of_occurred_at + attribution_window OR c.value < 0)
    UNION ALL
    SELECT c.conversion_id, c.kind, c.value, c.margin, c.occurred_at, c.position
      FROM redirects r
      JOIN conversions c ON c.impression_id = r.impression_id
     WHERE r.root = of_impression AND r.position <= through AND c.position <= through
       AND (c.occurred_at < of_occurred_at + attribution_window OR c.value < 0)
    UNION ALL
    SELECT c.conversion_id, c.kind, c.value, c.margin, c.occurred_at, c.position
      FROM conversions c
     WHERE c.experiment = of_experiment AND c.unit = of_unit AND c.position <= through
       AND c.occurred_at >= of_occurred_at AND c.occurred_at < of_occurred_at + attribution_window
       AND NOT EXISTS (
           SELECT 1
             FROM shown_impressions(of_experiment, through) n
            WHERE n.unit = of_unit AND n.occurred_at <= c.occurred_at AND n.occurred_at > c.occurred_at - attribution_window
              AND (n.counted, n.occurred_at, n.position) > (of_counted, of_occurred_at, of_position))
$$;
