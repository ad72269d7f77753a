/// What the weights say about whether the log can answer for a policy.
package struct Diagnostics: Hashable, Sendable, Codable {
    /// (sum w)^2 / sum w^2: how many rows drawn by the policy itself would carry as much information.
    package var effectiveSampleSize: Double
    /// The same as a share of n.
    package var effectiveSampleShare: Double
    /// The same among rows whose reward is not 0.
    package var rewardedEffectiveSampleSize: Double
    /// How many rows have a reward that is not 0.
    package var rewardedRowCount: Int
    /// Should be near 1 when the propensities are right.
    package var meanWeight: Double
    /// (mean weight - 1) in standard errors, clustered as the estimates are; null where weights do not vary.
    package var meanWeightZ: Double?
    package var maximumWeight: Double
    /// The heaviest row's share of all weight.
    package var maximumWeightShare: Double
    /// The share of all weight on the heaviest 1 % of the rows (at least one).
    package var topPercentWeightShare: Double
    /// Shape of a generalised Pareto distribution fitted to the tail of the weights; above 0.7 sums of them are unreliable. Null with fewer
    /// than 25 distinct weights in the tail.
    package var paretoK: Double?
    /// Mean probability that the policy gives to arms that had propensity below 0.01. Null: not checkable, the log holds only the chosen
    /// arm's propensity.
    package var targetMassOnRareArms: Double?
    /// Mean probability that the policy gives to arms that had propensity 0. Null as above.
    package var targetMassOnImpossibleArms: Double?
    /// The largest |V_i - V_j| / max(SE_i, SE_j) between estimators; null with fewer than two.
    package var estimatorDisagreement: Double?
    /// Whether the arms came as often as the logged propensities say. Null: not checkable, as above.
    package var armFrequencies: ArmFrequencyCheck?
    /// Rewards against the reward model's estimates, over the whole log. Null without a model, or where its estimates do not vary.
    package var calibration: CalibrationLine?
    /// Share of the reward model's estimates outside of the declared range of rewards. Null without a model or without a range.
    package var estimatesOutsideRange: Double?
    /// Share of the units that have two impressions less than the attribution window apart, so that one conversion may count for both.
    /// Null: not checkable, the log names no units or no times, or the window is not known.
    package var overlappingWindowShare: Double?

    package init(
        effectiveSampleSize: Double, effectiveSampleShare: Double, rewardedEffectiveSampleSize: Double, rewardedRowCount: Int,
        meanWeight: Double, meanWeightZ: Double?, maximumWeight: Double, maximumWeightShare: Double, topPercentWeightShare: Double,
        paretoK: Double?, targetMassOnRareArms: Double?, targetMassOnImpossibleArms: Double?, estimatorDisagreement: Double?,
        armFrequencies: ArmFrequencyCheck?, calibration: CalibrationLine? = nil, estimatesOutsideRange: Double? = nil,
        overlappingWindowShare: Double? = nil
    ) {
        self.effectiveSampleSize = effectiveSampleSize
        self.effectiveSampleShare = effectiveSampleShare
        self.rewardedEffectiveSampleSize = rewardedEffectiveSampleSize
        self.rewardedRowCount = rewardedRowCount
        self.meanWeight = meanWeight
        self.meanWeightZ = meanWeightZ
        self.maximumWeight = maximumWeight
        self.maximumWeightShare = maximumWeightShare
        self.topPercentWeightShare = topPercentWeightShare
        self.paretoK = paretoK
        self.targetMassOnRareArms = targetMassOnRareArms
        self.targetMassOnImpossibleArms = targetMassOnImpossibleArms
        self.estimatorDisagreement = estimatorDisagreement
        self.armFrequencies = armFrequencies
        self.calibration = calibration
        self.estimatesOutsideRange = estimatesOutsideRange
        self.overlappingWindowShare = overlappingWindowShare
    }

    private enum CodingKeys: String, CodingKey {
        case effectiveSampleSize = "effective_sample_size"
        case effectiveSampleShare = "effective_sample_share"
        case rewardedEffectiveSampleSize = "effective_sample_size_rewarded"
        case rewardedRowCount = "rewarded_rows"
        case meanWeight = "mean_weight"
        case meanWeightZ = "mean_weight_z"
        case maximumWeight = "max_weight"
        case maximumWeightShare = "max_weight_share"
        case topPercentWeightShare = "top_1_percent_weight_share"
        case paretoK = "pareto_k"
        case targetMassOnRareArms = "target_mass_propensity_below_0.01"
        case targetMassOnImpossibleArms = "target_mass_propensity_0"
        case estimatorDisagreement = "estimator_disagreement"
        case armFrequencies = "arm_frequencies"
        case calibration
        case estimatesOutsideRange = "estimates_outside_reward_range"
        case overlappingWindowShare = "overlapping_window_share"
    }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(effectiveSampleSize, forKey: .effectiveSampleSize)
        try container.encode(effectiveSampleShare, forKey: .effectiveSampleShare)
        try container.encode(rewardedEffectiveSampleSize, forKey: .rewardedEffectiveSampleSize)
        try container.encode(rewardedRowCount, forKey: .rewardedRowCount)
        try container.encode(meanWeight, forKey: .meanWeight)
        try container.encode(meanWeightZ, forKey: .meanWeightZ)
        try container.encode(maximumWeight, forKey: .maximumWeight)
        try container.encode(maximumWeightShare, forKey: .maximumWeightShare)
        try container.encode(topPercentWeightShare, forKey: .topPercentWeightShare)
        try container.encode(paretoK, forKey: .paretoK)
        try container.encode(targetMassOnRareArms, forKey: .targetMassOnRareArms)
        try container.encode(targetMassOnImpossibleArms, forKey: .targetMassOnImpossibleArms)
        try container.encode(estimatorDisagreement, forKey: .estimatorDisagreement)
        try container.encode(armFrequencies, forKey: .armFrequencies)
        try container.encode(calibration, forKey: .calibration)
        try container.encode(estimatesOutsideRange, forKey: .estimatesOutsideRange)
        try container.encode(overlappingWindowShare, forKey: .overlappingWindowShare)
    }
}

/// Whether each arm came as often, snapshot by snapshot and day by day, as its logged propensities say.
package struct ArmFrequencyCheck: Hashable, Sendable, Codable {
    /// One arm of one snapshot or day.
    package struct Deviation: Hashable, Sendable, Codable {
        /// The serving snapshot; null for a day, and for rows that name none.
        package var snapshot: Int?
        /// The day (UTC), `2026-11-01`; null for a snapshot.
        package var day: String?
        /// How many neighbouring snapshots or days were put together, the named one being the first: 1 but in very long logs.
        package var span: Int
        package var arm: Int
        /// n_a.
        package var observed: Int
        /// Sum of p_a.
        package var expected: Double
        /// (n_a - sum p_a) / sqrt(sum p_a (1 - p_a)).
        package var z: Double
        /// Two-sided, adjusted by Holm over all tests.
        package var adjustedP: Double

        private enum CodingKeys: String, CodingKey {
            case snapshot, day, span, arm, observed, expected, z
            case adjustedP = "p_holm"
        }
    }

    /// How many arms of snapshots and of days were tested (those with an expected spread).
    package var testCount: Int
    /// The smallest adjusted p; 1 without tests.
    package var smallestAdjustedP: Double
    /// Those with an adjusted p below 0.001, most extreme first, at most 20.
    package var flagged: [Deviation]

    private enum CodingKeys: String, CodingKey {
        case testCount = "tests"
        case smallestAdjustedP = "smallest_p_holm"
        case flagged
    }
}
