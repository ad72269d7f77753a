-- Deferred assignments may expire: `activation: {expire: 30m}` in an experiment's file. An activation that comes later is kept, and does not
-- make its impression count.

-- Whether an activation came too late for its impression, by the version of the experiment that the impression names.
CREATE FUNCTION activation_is_late(of_experiment text, of_version integer, shown_at timestamptz, activated_at timestamptz)
RETURNS boolean LANGUAGE sql STABLE AS $$
    SELECT EXISTS (
        SELECT 1
          FROM experiment_versions v
         WHERE v.experiment = of_experiment AND v.version = of_version
           AND activated_at >= shown_at + make_interval(secs => (v.document -> 'activation' ->> 'expireSeconds')::double precision))
$$;

CREATE OR REPLACE FUNCTION shown_impressions(of_experiment text, through bigint DEFAULT 9223372036854775807)
RETURNS TABLE (
    id uuid, experiment text, experiment_version integer, unit text, variant text, reason text, context jsonb, eligible_arms text[],
    propensities double precision[], arm text, propensity double precision, snapshot integer, occurred_at timestamptz, "position" bigint,
    counts_from bigint, counted boolean)
LANGUAGE sql STABLE ROWS 100000 AS $$
    SELECT i.id, i.experiment, i.experiment_version, i.unit, i.variant, i.reason, i.context, i.eligible_arms, i.propensities, i.arm,
           i.propensity, i.snapshot, i.occurred_at, i.position,
           CASE WHEN i.deferred THEN greatest(i.position, a.position) ELSE i.position END, i.reason = 'POLICY'
      FROM impressions i
      LEFT JOIN activations a
        ON a.impression_id = i.id AND a.position <= through
           AND NOT activation_is_late(i.experiment, i.experiment_version, i.occurred_at, a.occurred_at)
     WHERE i.experiment = of_experiment AND i.position <= through
       AND i.duplicate_of IS NULL AND i.repeated_of IS NULL AND (NOT i.deferred OR a.impression_id IS NOT NULL)
$$;

CREATE OR REPLACE VIEW uncounted_impressions AS
SELECT experiment,
       CASE
           WHEN duplicate_of IS NOT NULL THEN 'DUPLICATE'
           WHEN repeated_of IS NOT NULL THEN 'REPEATED'
           WHEN reason <> 'POLICY' THEN reason
           WHEN EXISTS (SELECT 1 FROM activations a WHERE a.impression_id = i.id) THEN 'ACTIVATED_LATE'
           ELSE 'NOT_ACTIVATED'
       END AS why,
       count(*) AS impressions
  FROM impressions i
 WHERE duplicate_of IS NOT NULL OR repeated_of IS NOT NULL OR reason <> 'POLICY'
    OR (deferred AND NOT EXISTS (
           SELECT 1 FROM activations a
            WHERE a.impression_id = i.id AND NOT activation_is_late(i.experiment, i.experiment_version, i.occurred_at, a.occurred_at)))
 GROUP BY 1, 2;
