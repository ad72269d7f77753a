import Evaluation
import HaggleCore
import HaggleMath
import Policies

/// A whole learning algorithm played through a log by rejection (Li, Chu, Langford & Wang 2011).
struct AlgorithmReplay {
    let options: EvaluationOptions

    /// The bound M on pi / p is 1 / the least propensity: declared, or the least one that the log's vectors hold, as every arm's is known
    /// there. A log that holds only chosen propensities needs the declaration, because its least one is a sample's extreme.
    func run(
        _ policy: PolicyConfiguration, named name: String, schema: FeatureSchema, on source: some InteractionSource
    ) async throws -> ReplayEvaluation {
        let bound = try await bound(on: source)
        var replay = try LearnerReplay(policy, schema: schema, arms: source.arms, largestWeight: bound, seed: options.seed)
        for try await row in source.interactions() {
            try replay.offer(row)
            try Task.checkCancellation()
        }
        var intervals: [Interval] = []
        if let mean = replay.mean, let error = replay.standardError {
            let half = StudentT.quantile((1 + options.level) / 2, degreesOfFreedom: Double(replay.acceptedCount - 1)) * error
            intervals.append(
                Interval(
                    method: .studentT, level: options.level, lower: mean - half, upper: mean + half,
                    assumptions: "accepted rows are a run of the algorithm; how much runs differ from each other is not in it"))
        }
        return ReplayEvaluation(
            policy: name, offeredCount: replay.offeredCount, acceptedCount: replay.acceptedCount, cappedCount: replay.cappedCount,
            weightBound: bound, value: replay.mean, standardError: replay.standardError, intervals: intervals,
            course: replay.course(stretches: 20).map {
                ReplayEvaluation.Stretch(acceptedCount: $0.acceptedCount, mean: $0.mean, cumulativeMean: $0.cumulativeMean)
            })
    }

    private func bound(on source: some InteractionSource) async throws -> Double {
        if let bound = options.weightBound { return bound }
        var least = 1.0
        for try await row in source.interactions() {
            guard let propensities = row.propensities else {
                throw WorkbenchError.invalidOption(
                    name: "--least-propensity",
                    expected: "the least propensity that the logging policy may give, because the log holds "
                        + "only those of the chosen arms", found: "none")
            }
            for arm in row.eligible ?? Array(propensities.indices) { least = min(least, propensities[arm]) }
        }
        guard least > 0 else {
            throw WorkbenchError.invalidOption(
                name: "--least-propensity", expected: "a log in which every eligible arm has a propensity above 0", found: "0")
        }
        return 1 / least
    }
}
