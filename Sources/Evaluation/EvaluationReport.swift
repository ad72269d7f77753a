/// The result of an off-policy evaluation; encodes to the JSON that `haggle evaluate --format json` prints.
///
/// Numbers that do not exist (no spread in one row, 0 / 0, not checkable on this log, withheld) are null, never NaN.
package struct EvaluationReport: Hashable, Sendable, Codable {
    /// n: the rows that were evaluated.
    package var rowCount: Int
    /// Number of arms.
    package var armCount: Int
    /// Their keys in the order of the log's table; empty where the caller did not say.
    package var armNames: [String]
    /// What a reward measures (`margin`) and the currency of its amounts; null where the caller did not say.
    package var metric: String?
    package var currency: String?
    /// How many rows were left out, by reason (`HOLDOUT`, `REPEATED`, `TRAINING`, ...).
    package var excluded: [String: Int]
    /// What the standard errors are clustered by; null where every row counts for itself.
    package var clusteredBy: String?
    /// The name of the reward model; null without one.
    package var rewardModel: String?
    /// Whether the propensities were logged or estimated afterwards; every number rests on them.
    package var propensities: PropensitySource
    /// What a reader has to know about the whole evaluation: one sentence each.
    package var warnings: [String]
    package var policies: [PolicyEvaluation]
    /// Each pair of policies on the same rows, the later minus the earlier one.
    package var differences: [PolicyDifference]
    /// The same policies on parts of the log (`--by channel`); empty unless asked for.
    package var segments: [SegmentEvaluation]
    /// Whole learning algorithms played through the log; empty unless asked for.
    package var replays: [ReplayEvaluation]
    /// Predicted against observed reward of the logged arms, from low to high predictions; empty without a reward model.
    package var calibration: [CalibrationBin]
    /// What was done, with which data, seeds and versions; null where the caller did not say.
    package var provenance: Provenance?

    package init(
        rowCount: Int, armCount: Int, armNames: [String] = [], metric: String? = nil, currency: String? = nil, excluded: [String: Int],
        clusteredBy: String?, rewardModel: String?,
        propensities: PropensitySource = .logged, warnings: [String] = [], policies: [PolicyEvaluation], differences: [PolicyDifference],
        segments: [SegmentEvaluation] = [], replays: [ReplayEvaluation] = [], calibration: [CalibrationBin] = [],
        provenance: Provenance? = nil
    ) {
        self.rowCount = rowCount
        self.armCount = armCount
        self.armNames = armNames
        self.metric = metric
        self.currency = currency
        self.excluded = excluded
        self.clusteredBy = clusteredBy
        self.rewardModel = rewardModel
        self.propensities = propensities
        self.warnings = warnings
        self.policies = policies
        self.differences = differences
        self.segments = segments
        self.replays = replays
        self.calibration = calibration
        self.provenance = provenance
    }

    private enum CodingKeys: String, CodingKey {
        case rowCount = "n"
        case armCount = "arms"
        case armNames = "arm_names"
        case metric, currency, excluded
        case clusteredBy = "clustered_by"
        case rewardModel = "reward_model"
        case propensities, warnings, policies, differences, segments, replays, calibration, provenance
    }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(rowCount, forKey: .rowCount)
        try container.encode(armCount, forKey: .armCount)
        try container.encode(armNames, forKey: .armNames)
        try container.encodeIfPresent(metric, forKey: .metric)
        try container.encodeIfPresent(currency, forKey: .currency)
        try container.encode(excluded, forKey: .excluded)
        try container.encode(clusteredBy, forKey: .clusteredBy)
        try container.encode(rewardModel, forKey: .rewardModel)
        try container.encode(propensities, forKey: .propensities)
        try container.encode(warnings, forKey: .warnings)
        try container.encode(policies, forKey: .policies)
        try container.encode(differences, forKey: .differences)
        try container.encode(segments, forKey: .segments)
        try container.encode(replays, forKey: .replays)
        try container.encode(calibration, forKey: .calibration)
        try container.encode(provenance, forKey: .provenance)
    }
}

/// Where the propensities of a log come from.
package enum PropensitySource: String, Hashable, Sendable, Codable, CaseIterable {
    /// The probabilities that the logging policy drew with.
    case logged
    /// Fitted to the log afterwards, on explicit request: a model's guess, so every estimate may be biased by what it misses.
    case estimated
}

/// What the log says about one policy.
package struct PolicyEvaluation: Hashable, Sendable, Codable {
    package var policy: String
    package var verdict: Verdict
    /// Why, and what would help: one sentence each.
    package var reasons: [String]
    package var diagnostics: Diagnostics
    package var estimates: [Estimate]
    /// How the policy and the log share the arms, an entry per arm.
    package var overlap: [ArmOverlap]
    /// How the weights thin out upwards, from light to heavy.
    package var weightTail: [WeightTailPoint]
    /// The estimate in consecutive parts of the log; empty where rows have no order to speak of.
    package var course: [CoursePoint]

    package init(
        policy: String, verdict: Verdict, reasons: [String], diagnostics: Diagnostics, estimates: [Estimate], overlap: [ArmOverlap] = [],
        weightTail: [WeightTailPoint] = [], course: [CoursePoint] = []
    ) {
        self.policy = policy
        self.verdict = verdict
        self.reasons = reasons
        self.diagnostics = diagnostics
        self.estimates = estimates
        self.overlap = overlap
        self.weightTail = weightTail
        self.course = course
    }

    /// The estimate of that name, the first if there are several with different parameters.
    package func estimate(_ estimator: String) -> Estimate? { estimates.first { $0.estimator == estimator } }

    private enum CodingKeys: String, CodingKey {
        case policy, verdict, reasons, diagnostics, estimates, overlap
        case weightTail = "weight_tail"
        case course
    }
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
    /// What marks this number: `chosen on this data`, `point value only`; one phrase each.
    package var remarks: [String]
    /// Whether the numbers exist and are not shown, because the verdict is `unsupported`.
    package var isWithheld: Bool

    package init(
        estimator: String, parameters: [String: Double], value: Double?, standardError: Double?, intervals: [Interval],
        remarks: [String] = [], isWithheld: Bool = false
    ) {
        self.estimator = estimator
        self.parameters = parameters
        self.value = value
        self.standardError = standardError
        self.intervals = intervals
        self.remarks = remarks
        self.isWithheld = isWithheld
    }

    private enum CodingKeys: String, CodingKey {
        case estimator, parameters, value
        case standardError = "standard_error"
        case intervals, remarks
        case isWithheld = "withheld"
    }

    package init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        estimator = try container.decode(String.self, forKey: .estimator)
        parameters = try container.decode([String: Double].self, forKey: .parameters)
        value = try container.decodeIfPresent(Double.self, forKey: .value)
        standardError = try container.decodeIfPresent(Double.self, forKey: .standardError)
        intervals = try container.decode([Interval].self, forKey: .intervals)
        remarks = try container.decodeIfPresent([String].self, forKey: .remarks) ?? []
        isWithheld = try container.decodeIfPresent(Bool.self, forKey: .isWithheld) ?? false
    }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(estimator, forKey: .estimator)
        try container.encode(parameters, forKey: .parameters)
        try container.encode(value, forKey: .value)
        try container.encode(standardError, forKey: .standardError)
        try container.encode(intervals, forKey: .intervals)
        if !remarks.isEmpty { try container.encode(remarks, forKey: .remarks) }
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
    /// How many more impressions would probably let the interval exclude 0, if the difference is as estimated; 0 where it does already, null
    /// where nobody can say.
    package var rowsToDecide: Int?
    package var isWithheld: Bool

    package init(
        policy: String, baseline: String, estimator: String, parameters: [String: Double], value: Double?, standardError: Double?,
        intervals: [Interval], probabilityBetter: Double?, rowsToDecide: Int? = nil, isWithheld: Bool = false
    ) {
        self.policy = policy
        self.baseline = baseline
        self.estimator = estimator
        self.parameters = parameters
        self.value = value
        self.standardError = standardError
        self.intervals = intervals
        self.probabilityBetter = probabilityBetter
        self.rowsToDecide = rowsToDecide
        self.isWithheld = isWithheld
    }

    private enum CodingKeys: String, CodingKey {
        case policy, baseline, estimator, parameters, value
        case standardError = "standard_error"
        case intervals
        case probabilityBetter = "probability_better"
        case rowsToDecide = "more_impressions_to_decide"
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
        rowsToDecide = try container.decodeIfPresent(Int.self, forKey: .rowsToDecide)
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
        try container.encode(rowsToDecide, forKey: .rowsToDecide)
        if isWithheld { try container.encode(true, forKey: .isWithheld) }
    }
}
