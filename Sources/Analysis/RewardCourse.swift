import Evaluation
import HaggleCore
import Reporting

/// The mean reward per impression in each stretch of time, with intervals clustered by unit where units recur.
struct RewardCourse: Sendable {
    private let buckets: TimeBuckets
    private var evaluators: [Evaluator?]

    init(_ buckets: TimeBuckets) {
        self.buckets = buckets
        evaluators = Array(repeating: nil, count: buckets.count)
    }

    mutating func add(reward: Double, unit: UnitID?, at time: Timestamp) async throws {
        let index = buckets.index(of: time)
        var evaluator: Evaluator
        if let known = evaluators[index] {
            evaluator = known
        } else {
            var options = EvaluationOptions()
            options.estimators = [SelfNormalisedInversePropensityScore()]
            // What was really earned needs no support by weights.
            options.isForced = true
            evaluator = try Evaluator(policies: [.logged], armCount: 1, options: options)
        }
        // Emptied first, so that adding does not copy what the array still holds.
        evaluators[index] = nil
        try await evaluator.add(EvaluationRow(arm: 0, propensity: 1, reward: reward, unit: unit, targets: [[]]))
        evaluators[index] = evaluator
    }

    /// Buckets with too few rows for an interval are left out.
    func estimates() async throws -> [ExperimentSummary.TimedEstimate] {
        var estimates: [ExperimentSummary.TimedEstimate] = []
        for (index, known) in evaluators.enumerated() {
            guard var evaluator = known else { continue }
            guard let estimate = try await evaluator.report().policies.first?.estimate("SNIPS")?.intervalEstimate else { continue }
            var described = estimate
            described.method = "normal, clustered by unit where units recur"
            estimates.append(.init(time: buckets.start(of: index), estimate: described))
        }
        return estimates
    }
}
