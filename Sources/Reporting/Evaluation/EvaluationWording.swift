import Evaluation

/// How one evaluation is put into words: what a reward is, what the policies are called, and what every number has to be marked with.
struct EvaluationWording: Sendable {
    var quantity: Quantity
    /// What the reward is called: `margin`.
    var metric: String
    var names: ShortNames
    /// For tables and charts with two names in a row.
    var briefNames: ShortNames
    /// Marks of the whole evaluation.
    var marks: [String]
    /// The estimator that summaries and comparisons rest on; nil without any estimate with an interval.
    var estimator: String?

    init(_ report: EvaluationReport, quantity: Quantity, metric: String) {
        self.quantity = quantity
        self.metric = metric
        names = ShortNames(report.policies.map(\.policy))
        briefNames = ShortNames(report.policies.map(\.policy), width: 18)
        marks = report.propensities == .estimated ? ["estimated propensities"] : []
        estimator = Self.estimator(of: report)
    }

    /// `mean margin per impression`.
    var meanName: String { quantity == .share ? "\(metric) rate" : "mean \(metric) per impression" }

    /// An amount in a sentence: `€8.01 of margin per impression`.
    func amount(_ text: String) -> String {
        switch quantity {
        case .money: "\(text) of \(metric) per impression"
        case .share: "a \(metric) rate of \(text)"
        case .plain: "a mean \(metric) of \(text) per impression"
        }
    }

    /// Trusted estimators first: doubly robust ones, then those that normalise their weights. Those that trade bias for variance, and the
    /// reward model alone, come last.
    static let order = ["DR", "SNDR", "MRDR", "SNIPS", "MLE", "IPS", "DRos", "SwitchDR", "CDR", "CIPS", "DM"]

    /// The most trusted estimator that has an interval for every policy that can be answered for; where there is none, the one with the most.
    private static func estimator(of report: EvaluationReport) -> String? {
        let answerable = report.policies.filter(\.isAnswerable)
        let policies = answerable.isEmpty ? report.policies : answerable
        let known = policies.flatMap { $0.estimates.map(\.estimator) }
        var best: (name: String, count: Int)?
        for name in order + known {
            let count = policies.filter { $0.shownEstimate(name) != nil }.count
            if count > best?.count ?? 0 { best = (name, count) }
        }
        return best?.name
    }
}

extension PolicyEvaluation {
    /// Whether the verdict keeps its numbers back.
    var isWithheld: Bool { verdict == .unsupported && estimates.allSatisfy { $0.shownValue == nil } }

    /// Whether numbers are shown that the verdict calls unsupported.
    var isForced: Bool { verdict == .unsupported && !isWithheld }

    /// Whether the log can answer, and did.
    var isAnswerable: Bool { verdict != .unsupported && estimates.contains { $0.shownInterval != nil } }

    /// The verdict as a mark beside a name: `unsupported, forced`.
    var mark: String { verdict.rawValue + (isForced ? ", forced" : isWithheld ? ", withheld" : "") }

    /// The estimate by that name with an interval; one without remarks before one with.
    func shownEstimate(_ name: String?) -> (estimate: Estimate, interval: IntervalEstimate)? {
        let candidates = estimates.filter { $0.estimator == name && $0.shownInterval != nil }
        guard let estimate = candidates.first(where: \.remarks.isEmpty) ?? candidates.first, let interval = estimate.shownInterval else {
            return nil
        }
        return (estimate, interval)
    }
}

extension Estimate {
    /// The value, unless it is withheld or not a number.
    var shownValue: Double? { isWithheld ? nil : value.flatMap { $0.isFinite ? $0 : nil } }

    /// The intervals, unless withheld, without those that do not exist.
    var shownIntervals: [Interval] { shownValue == nil ? [] : intervals.filter(\.isUsable) }

    /// The value with the first of its intervals.
    var shownInterval: IntervalEstimate? { shownIntervals.first.flatMap { interval in shownValue.map { interval.estimate(of: $0) } } }

    /// The name with its parameters: `CIPS(10)`.
    var name: String { Self.name(estimator, parameters) }

    static func name(_ estimator: String, _ parameters: [String: Double]) -> String {
        guard !parameters.isEmpty else { return estimator }
        let values = parameters.sorted { $0.key < $1.key }.map { parameter in
            Int(exactly: parameter.value).map(String.init) ?? NumberFormat.significant(parameter.value)
        }
        return estimator + "(" + values.joined(separator: ", ") + ")"
    }
}

extension PolicyDifference {
    var shownValue: Double? { isWithheld ? nil : value.flatMap { $0.isFinite ? $0 : nil } }

    var shownInterval: IntervalEstimate? {
        shownValue.flatMap { value in intervals.first(where: \.isUsable).map { $0.estimate(of: value) } }
    }

    var name: String { Estimate.name(estimator, parameters) }
}

extension Interval {
    /// Whether it has numbers as bounds, at least one of them finite.
    var isUsable: Bool { !lower.isNaN && !upper.isNaN && (lower.isFinite || upper.isFinite) }

    /// The interval around its estimate, as pages show it.
    func estimate(of value: Double) -> IntervalEstimate {
        IntervalEstimate(value: value, lower: lower, upper: upper, level: level, method: method.rawValue + "; " + assumptions)
    }

    /// `95% normal`.
    var title: String { levelText + " " + method.rawValue }

    var levelText: String { NumberFormat.percent(level, decimals: abs(level * 100 - (level * 100).rounded()) < 1e-9 ? 0 : 1) }

    var note: String { "\(levelText) \(method.rawValue) intervals: \(assumptions)." }
}
