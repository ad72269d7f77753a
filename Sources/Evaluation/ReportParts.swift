/// How a policy and the log share one arm.
package struct ArmOverlap: Hashable, Sendable, Codable {
    /// The arm's key, or its position where the keys are not known.
    package var arm: String
    /// Share of the rows in which the log showed the arm.
    package var loggedShare: Double
    /// Mean propensity of the arm over all rows; null where the log holds only the chosen arm's.
    package var meanPropensity: Double?
    /// The smallest propensity with which the arm was shown; null where it never was.
    package var smallestPropensity: Double?
    /// Mean probability that the policy gives to the arm; null for the logging policy where only chosen propensities are known.
    package var targetShare: Double?
    /// (sum w)^2 / sum w^2 over the rows that showed the arm.
    package var effectiveSampleSize: Double

    package init(
        arm: String, loggedShare: Double, meanPropensity: Double?, smallestPropensity: Double?, targetShare: Double?,
        effectiveSampleSize: Double
    ) {
        self.arm = arm
        self.loggedShare = loggedShare
        self.meanPropensity = meanPropensity
        self.smallestPropensity = smallestPropensity
        self.targetShare = targetShare
        self.effectiveSampleSize = effectiveSampleSize
    }

    private enum CodingKeys: String, CodingKey {
        case arm
        case loggedShare = "logged_share"
        case meanPropensity = "mean_propensity"
        case smallestPropensity = "smallest_propensity"
        case targetShare = "target_share"
        case effectiveSampleSize = "effective_sample_size"
    }
}

/// A point of the weights' survival curve.
package struct WeightTailPoint: Hashable, Sendable, Codable {
    package var weight: Double
    /// Share of the rows whose weight is at least that.
    package var shareOfRows: Double
    /// Share of all weight on those rows.
    package var shareOfWeight: Double

    package init(weight: Double, shareOfRows: Double, shareOfWeight: Double) {
        self.weight = weight
        self.shareOfRows = shareOfRows
        self.shareOfWeight = shareOfWeight
    }

    private enum CodingKeys: String, CodingKey {
        case weight
        case shareOfRows = "share_of_rows"
        case shareOfWeight = "share_of_weight"
    }
}

/// The estimate in one part of the log.
package struct CoursePoint: Hashable, Sendable, Codable {
    /// First and last time of the part, ISO 8601; null where rows carry no times (then parts are equal numbers of rows in log order).
    package var from: String?
    package var to: String?
    package var rowCount: Int
    package var estimator: String
    package var value: Double?
    package var lower: Double?
    package var upper: Double?

    package init(from: String?, to: String?, rowCount: Int, estimator: String, value: Double?, lower: Double?, upper: Double?) {
        self.from = from
        self.to = to
        self.rowCount = rowCount
        self.estimator = estimator
        self.value = value
        self.lower = lower
        self.upper = upper
    }

    private enum CodingKeys: String, CodingKey {
        case from, to
        case rowCount = "n"
        case estimator, value, lower, upper
    }
}

/// The policies on one part of the log.
package struct SegmentEvaluation: Hashable, Sendable, Codable {
    /// What the log was split by: a feature or a column.
    package var by: String
    /// The value that the segment's rows share; `(missing)` where they have none, `(other)` for the values beyond the bound on segments.
    package var value: String
    package var rowCount: Int
    package var policies: [PolicyEvaluation]
    package var differences: [PolicyDifference]

    package init(by: String, value: String, rowCount: Int, policies: [PolicyEvaluation], differences: [PolicyDifference]) {
        self.by = by
        self.value = value
        self.rowCount = rowCount
        self.policies = policies
        self.differences = differences
    }

    private enum CodingKeys: String, CodingKey {
        case by, value
        case rowCount = "n"
        case policies, differences
    }
}

/// Rows with similar predictions of the reward model for the logged arm, and what they really earned.
package struct CalibrationBin: Hashable, Sendable, Codable {
    package var rowCount: Int
    package var meanPrediction: Double
    package var meanReward: Double
    /// Bounds of a 95 % normal interval of the mean reward; null with fewer than two rows.
    package var lower: Double?
    package var upper: Double?

    package init(rowCount: Int, meanPrediction: Double, meanReward: Double, lower: Double?, upper: Double?) {
        self.rowCount = rowCount
        self.meanPrediction = meanPrediction
        self.meanReward = meanReward
        self.lower = lower
        self.upper = upper
    }

    private enum CodingKeys: String, CodingKey {
        case rowCount = "n"
        case meanPrediction = "mean_prediction"
        case meanReward = "mean_reward"
        case lower, upper
    }
}

/// What was done, so that it can be done again.
package struct Provenance: Hashable, Sendable, Codable {
    /// Program and version.
    package var program: String
    /// The command line, as typed.
    package var command: [String]
    /// When, ISO 8601.
    package var madeAt: String
    /// What was read: file names with their digests, or the experiment with its versions, log position and time span.
    package var data: [String]
    /// What each policy is: name and description (file digest, snapshot version, training share).
    package var policies: [String: String]
    /// Further choices by name: seed, level, resamples, clustering, folds, reward range, filter.
    package var choices: [String: String]

    package init(
        program: String, command: [String], madeAt: String, data: [String], policies: [String: String], choices: [String: String]
    ) {
        self.program = program
        self.command = command
        self.madeAt = madeAt
        self.data = data
        self.policies = policies
        self.choices = choices
    }

    private enum CodingKeys: String, CodingKey {
        case program, command
        case madeAt = "made_at"
        case data, policies, choices
    }
}
