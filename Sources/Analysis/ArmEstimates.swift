import Evaluation
import HaggleCore
import Reporting

/// What each arm would earn if everybody got it, estimated from a bandit's log by SNIPS.
///
/// Raw means per arm are never used: the policy chose who got which arm, so they compare different customers.
struct ArmEstimates: Sendable {
    private var evaluator: Evaluator
    private let arms: [Arm]
    private let controlIndex: Int
    /// The distribution that shows one arm for certain, by arm.
    private let certain: [[Double]]
    /// Rows without a propensity (imported logs), which cannot be weighted.
    private(set) var unweightable = 0
    private(set) var rowCount = 0

    init(arms: [Arm], controlIndex: Int) throws {
        self.arms = arms
        self.controlIndex = controlIndex
        certain = arms.indices.map { arm in arms.indices.map { $0 == arm ? 1 : 0 } }
        var options = EvaluationOptions()
        options.estimators = [SelfNormalisedInversePropensityScore()]
        evaluator = try Evaluator(
            policies: arms.map { EvaluatedPolicy(name: $0.key.rawValue, target: .given) }, armCount: arms.count, options: options)
    }

    mutating func add(_ interaction: Interaction) async throws {
        guard let propensity = interaction.propensity else {
            unweightable += 1
            return
        }
        rowCount += 1
        try await evaluator.add(
            EvaluationRow(
                arm: interaction.arm, propensity: propensity, reward: interaction.reward, unit: interaction.unit,
                targets: arms.indices.map { certain[shown($0, where: interaction.eligible)] }, propensities: interaction.propensities,
                eligible: interaction.eligible, snapshot: interaction.snapshot))
    }

    /// Where an arm is not eligible everybody gets what serving would fall back to.
    private func shown(_ arm: Int, where eligible: [Int]?) -> Int {
        guard let eligible, !eligible.contains(arm) else { return arm }
        return eligible.contains(controlIndex) ? controlIndex : eligible.first ?? arm
    }

    /// One evaluation per arm, in their order; empty without rows.
    mutating func report() async throws -> [PolicyEvaluation] {
        guard rowCount > 0 else { return [] }
        return try await evaluator.report().policies
    }
}

extension PolicyEvaluation {
    /// The SNIPS estimate with its interval; nil where it is withheld or has none.
    var snips: IntervalEstimate? { estimate("SNIPS")?.intervalEstimate }
}

extension Estimate {
    var intervalEstimate: IntervalEstimate? {
        guard let value, let interval = intervals.first else { return nil }
        return IntervalEstimate(
            value: value, lower: interval.lower, upper: interval.upper, level: interval.level,
            method: "\(estimator), \(interval.method.rawValue)")
    }
}
