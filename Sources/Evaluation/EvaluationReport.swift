/// The result of an off-policy evaluation; encodes to the JSON that `haggle evaluate --format json` prints.
///
/// Numbers that do not exist (no spread in one row, 0 / 0, not checkable on this log, withheld) are null, never NaN.
package struct EvaluationReport: Hashable, Sendable, Codable {
    /// n: the rows that were evaluated.
    package var rowCount: Int
    /// Number of arms.
    package var armCount: Int
    /// How many rows were left out, by reason (`HOLDOUT`, `REPEATED`, `TRAINING`, ...).
    package var excluded: [String: Int]
    /// What the standard errors are clustered by; null where every row counts for itself.
    package var clusteredBy: String?
    /// The name of the reward model; null without one.
    package var rewardModel: String?
    package var policies: [PolicyEvaluation]
    /// Each pair of policies on the same rows, the later minus the earlier one.
    package var differences: [PolicyDifference]

    package init(
        rowCount: Int, armCount: Int, excluded: [String: Int], clusteredBy: String?, rewardModel: String?, policies: [PolicyEvaluation],
        differences: [PolicyDifference]
    ) {
        self.rowCount = rowCount
        self.armCount = armCount
        self.excluded = excluded
        self.clusteredBy = clusteredBy
        self.rewardModel = rewardModel
        self.policies = policies
        self.differences = differences
    }

    private enum CodingKeys: String, CodingKey {
        case rowCount = "n"
        case armCount = "arms"
        case excluded
        case clusteredBy = "clustered_by"
        case rewardModel = "reward_model"
        case policies, differences
    }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(rowCount, forKey: .rowCount)
        try container.encode(armCount, forKey: .armCount)
        try container.encode(excluded, forKey: .excluded)
        try container.encode(clusteredBy, forKey: .clusteredBy)
        try container.encode(rewardModel, forKey: .rewardModel)
        try container.encode(policies, forKey: .policies)
        try container.encode(differences, forKey: .differences)
    }
}

/// What the log says about one policy.
package struct PolicyEvaluation: Hashable, Sendable, Codable {
    package var policy: String
    package var verdict: Verdict
    /// Why, and what would help: one sentence each.
    package var reasons: [String]
    package var diagnostics: Diagnostics
    package var estimates: [Estimate]

    package init(policy: String, verdict: Verdict, reasons: [String], diagnostics: Diagnostics, estimates: [Estimate]) {
        self.policy = policy
        self.verdict = verdict
        self.reasons = reasons
        self.diagnostics = diagnostics
        self.estimates = estimates
    }

    /// The estimate of that name, the first if there are several with different parameters.
    package func estimate(_ estimator: String) -> Estimate? { estimates.first { $0.estimator == estimator } }
}

/// Whether the log can answer the question.
package enum Verdict: String, Hashable, Sendable, Codable, CaseIterable {
    case supported
    /// The numbers are printed, with a warning.
    case weak
    /// The numbers are withheld unless forced.
    case unsupported
}

/// One estimator's answer for one policy.
package struct Estimate: Hashable, Sendable, Codable {
    package var estimator: String
    package var parameters: [String: Double]
    /// Null where withheld or undefined.
    package var value: Double?
    package var standardError: Double?
    package var intervals: [Interval]
    /// Whether the numbers exist and are not shown, because the verdict is `unsupported`.
    package var isWithheld: Bool

    package init(
        estimator: String, parameters: [String: Double], value: Double?, standardError: Double?, intervals: [Interval],
        isWithheld: Bool = false
    ) {
        self.estimator = estimator
        self.parameters = parameters
        self.value = value
        self.standardError = standardError
        self.intervals = intervals
        self.isWithheld = isWithheld
    }

    private enum CodingKeys: String, CodingKey {
        case estimator, parameters, value
        case standardError = "standard_error"
        case intervals
        case isWithheld = "withheld"
    }

    package init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        estimator = try container.decode(String.self, forKey: .estimator)
        parameters = try container.decode([String: Double].self, forKey: .parameters)
        value = try container.decodeIfPresent(Double.self, forKey: .value)
        standardError = try container.decodeIfPresent(Double.self, forKey: .standardError)
        intervals = try container.decode([Interval].self, forKey: .intervals)
        isWithheld = try container.decodeIfPresent(Bool.self, forKey: .isWithheld) ?? false
    }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(estimator, forKey: .estimator)
        try container.encode(parameters, forKey: .parameters)
        try container.encode(value, forKey: .value)
        try container.encode(standardError, forKey: .standardError)
        try container.encode(intervals, forKey: .intervals)
        if isWithheld { try container.encode(true, forKey: .isWithheld) }
    }
}

/// How much better one policy is than another on the same rows, by one estimator: `policy` minus `baseline`.
package struct PolicyDifference: Hashable, Sendable, Codable {
    package var policy: String
    package var baseline: String
    package var estimator: String
    package var parameters: [String: Double]
    package var value: Double?
    /// From paired scores, so what both policies share does not count as noise.
    package var standardError: Double?
    package var intervals: [Interval]
    /// P(difference > 0) under a flat prior and a normal approximation, for one look at the data.
    package var probabilityBetter: Double?
    package var isWithheld: Bool

    package init(
        policy: String, baseline: String, estimator: String, parameters: [String: Double], value: Double?, standardError: Double?,
        intervals: [Interval], probabilityBetter: Double?, isWithheld: Bool = false
    ) {
        self.policy = policy
        self.baseline = baseline
        self.estimator = estimator
        self.parameters = parameters
        self.value = value
        self.standardError = standardError
        self.intervals = intervals
        self.probabilityBetter = probabilityBetter
        self.isWithheld = isWithheld
    }

    private enum CodingKeys: String, CodingKey {
        case policy, baseline, estimator, parameters, value
        case standardError = "standard_error"
        case intervals
        case probabilityBetter = "probability_better"
        case isWithheld = "withheld"
    }

    package init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        policy = try container.decode(String.self, forKey: .policy)
        baseline = try container.decode(String.self, forKey: .baseline)
        estimator = try container.decode(String.self, forKey: .estimator)
        parameters = try container.decode([String: Double].self, forKey: .parameters)
        value = try container.decodeIfPresent(Double.self, forKey: .value)
        standardError = try container.decodeIfPresent(Double.self, forKey: .standardError)
        intervals = try container.decode([Interval].self, forKey: .intervals)
        probabilityBetter = try container.decodeIfPresent(Double.self, forKey: .probabilityBetter)
        isWithheld = try container.decodeIfPresent(Bool.self, forKey: .isWithheld) ?? false
    }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(policy, forKey: .policy)
        try container.encode(baseline, forKey: .baseline)
        try container.encode(estimator, forKey: .estimator)
        try container.encode(parameters, forKey: .parameters)
        try container.encode(value, forKey: .value)
        try container.encode(standardError, forKey: .standardError)
        try container.encode(intervals, forKey: .intervals)
        try container.encode(probabilityBetter, forKey: .probabilityBetter)
        if isWithheld { try container.encode(true, forKey: .isWithheld) }
    }
}
