-- Views for an analyst with psql. Rewards here follow the version of the experiment in force, as learning and evaluation do.

-- How each experiment's reward is computed.
CREATE VIEW experiment_rewards AS
SELECT e.key AS experiment,
       e.version,
       v.document -> 'reward' ->> 'metric' AS metric,
       (v.document -> 'reward' ->> 'marginRate')::double precision AS margin_rate,
       (v.document -> 'reward' ->> 'defaultReward')::double precision AS default_reward,
       make_interval(secs => (v.document -> 'reward' ->> 'windowSeconds')::double precision) AS attribution_window
  FROM experiments e
  JOIN experiment_versions v ON v.experiment = e.key AND v.version = e.version;

-- Every arm an experiment ever had, as it was last defined; `current` tells whether it still stands in the file.
CREATE VIEW experiment_arms AS
SELECT DISTINCT ON (v.experiment, a.document ->> 'key')
       v.experiment,
       a.document ->> 'key' AS arm,
       (a.document ->> 'discount')::double precision AS discount,
       coalesce((a.document ->> 'isControl')::boolean, false) AS is_control,
       v.version = e.version AS current,
       v.version AS last_version,
       a.ordinal AS ordinal,
       a.document AS document
  FROM experiment_versions v
  JOIN experiments e ON e.key = v.experiment
 CROSS JOIN LATERAL jsonb_array_elements(v.document -> 'arms') WITH ORDINALITY AS a (document, ordinal)
 WHERE v.version <= e.version
 ORDER BY v.experiment, a.document ->> 'key', v.version DESC;

-- The impressions that enter learning and off-policy evaluation.
CREATE VIEW counted_impressions AS
SELECT i.*
  FROM experiment_rewards e
 CROSS JOIN LATERAL shown_impressions(e.experiment) i
 WHERE i.counted;

-- Every conversion beside the impression it belongs to.
CREATE VIEW attributed_conversions AS
SELECT i.experiment, i.id AS impression_id, i.unit, i.arm, i.variant, i.counted, i.occurred_at AS shown_at,
       c.conversion_id, c.kind, c.value, c.margin, c.occurred_at, c.position
  FROM experiment_rewards e
 CROSS JOIN LATERAL shown_impressions(e.experiment) i
 CROSS JOIN LATERAL conversions_of(
       i.id, i.experiment, i.unit, i.occurred_at, i.counted, i.position, e.attribution_window) c;

-- Shown impressions with their reward, whether they count or not (holdout rows measure the lift).
CREATE VIEW impression_rewards AS
SELECT i.experiment, i.id AS impression_id, i.unit, i.variant, i.reason, i.counted, i.experiment_version, i.snapshot, i.context,
       i.eligible_arms, i.propensities, i.arm, a.discount, i.propensity, i.occurred_at,
       i.occurred_at + e.attribution_window AS matures_at,
       s.conversions,
       s.value,
       CASE
           WHEN s.conversions = 0 THEN e.default_reward
           WHEN e.metric = 'conversion' THEN CASE WHEN s.events > s.reversals THEN 1 ELSE e.default_reward END
           WHEN e.metric = 'margin' THEN
               s.given_margin
               + CASE
                     WHEN e.margin_rate IS NULL OR coalesce(a.discount, 0) >= 1 THEN 0
                     ELSE s.unmargined_value * ((e.margin_rate - coalesce(a.discount, 0)) / (1 - coalesce(a.discount, 0)))
                 END
           ELSE s.value
       END AS reward,
       i.position
  FROM experiment_rewards e
 CROSS JOIN LATERAL shown_impressions(e.experiment) i
  LEFT JOIN experiment_arms a ON a.experiment = i.experiment AND a.arm = i.arm
 CROSS JOIN LATERAL (
       SELECT count(*) AS conversions,
              count(*) FILTER (WHERE c.value >= 0) AS events,
              count(*) FILTER (WHERE c.value < 0) AS reversals,
              coalesce(sum(c.value ORDER BY c.position), 0) AS value,
              coalesce(sum(c.margin ORDER BY c.position), 0) AS given_margin,
              coalesce(sum(c.value ORDER BY c.position) FILTER (WHERE c.margin IS NULL), 0) AS unmargined_value
         FROM conversions_of(i.id, i.experiment, i.unit, i.occurred_at, i.counted, i.position, e.attribution_window) c
       ) s;

-- What learning and off-policy evaluation see: counted impressions joined with their reward.
CREATE VIEW interactions AS
SELECT experiment, impression_id, unit, context, eligible_arms, propensities, arm, discount, propensity, snapshot, occurred_at, matures_at,
       matures_at <= now() AS matured, conversions, value, reward, position
  FROM impression_rewards
 WHERE counted;

-- How many impressions each arm got on each day (UTC), by variant and reason.
CREATE VIEW daily_allocation AS
SELECT experiment, (occurred_at AT TIME ZONE 'UTC')::date AS day, variant, reason, arm, count(*) AS impressions, count(DISTINCT unit) AS units
  FROM impressions
 WHERE duplicate_of IS NULL
 GROUP BY 1, 2, 3, 4, 5;

-- What the shown impressions of each day (UTC), variant and arm have earned so far. Means per arm under a bandit describe; they do not compare.
CREATE VIEW daily_rewards AS
SELECT experiment, (occurred_at AT TIME ZONE 'UTC')::date AS day, variant, arm, counted, count(*) AS impressions,
       sum(conversions) AS conversions, sum(value) AS value, sum(reward) AS reward
  FROM impression_rewards
 GROUP BY 1, 2, 3, 4, 5;

-- Conversions that belong to no shown impression (yet): pending until the window could have closed, orphaned afterwards.
CREATE VIEW unattributed_conversions AS
SELECT c.*, now() >= c.occurred_at + w.longest AS orphaned
  FROM conversions c
 CROSS JOIN (SELECT coalesce(max(attribution_window), interval '0') AS longest FROM experiment_rewards) w
 WHERE NOT EXISTS (SELECT 1 FROM attributed_conversions a WHERE a.conversion_id = c.conversion_id);

-- Impressions that are kept but do not count, by reason.
CREATE VIEW uncounted_impressions AS
SELECT experiment,
       CASE
           WHEN duplicate_of IS NOT NULL THEN 'DUPLICATE'
           WHEN repeated_of IS NOT NULL THEN 'REPEATED'
           WHEN reason <> 'POLICY' THEN reason
           ELSE 'NOT_ACTIVATED'
       END AS why,
       count(*) AS impressions
  FROM impressions i
 WHERE duplicate_of IS NOT NULL OR repeated_of IS NOT NULL OR reason <> 'POLICY'
    OR (deferred AND NOT EXISTS (SELECT 1 FROM activations a WHERE a.impression_id = i.id))
 GROUP BY 1, 2;
