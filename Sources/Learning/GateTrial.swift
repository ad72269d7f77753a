import Evaluation
package import HaggleCore
package import Policies

/// Fits a candidate to the older rows and measures it on the newer ones, beside what serves and the anchors.
///
/// All see the same: networks are fitted, posteriors folded and q fitted on rows before the cut only, exploration settings are those of the
/// experiment in force, and all are scored on the same rows, so the differences are paired.
package struct GateTrial: Sendable {
    package struct Result: Sendable {
        /// Fitted to the rows before the cut and folded over all of them: what would be published.
        package var candidate: PolicyLearner
        package var measurement: GateMeasurement
    }

    /// Share of the rows that fit; the newest rest judges.
    package static let trainingShare = 0.8

    private let experiment: Experiment
    private let version: ExperimentVersion
    private let interactions: [Interaction]
    private let serving: ServingSnapshot
    private let approved: ServingSnapshot?
    private let servingNetwork: SnapshotVersion
    private let warm: WarmRows
    private let now: Timestamp?

    /// - Parameters:
    ///   - interactions: matured, in order of time. Rows without a propensity fit, and judge nothing.
    ///   - serving: what serves, fitted to the experiment's version; its posterior is not read.
    ///   - servingNetwork: the snapshot that first carried its network.
    ///   - approved: the snapshot approved last, fitted to the experiment's version; nil where there is none.
    package init(
        _ experiment: Experiment, version: ExperimentVersion, interactions: [Interaction], serving: ServingSnapshot,
        servingNetwork: SnapshotVersion, approved: ServingSnapshot?
    ) {
        self.init(
            experiment, version: version, interactions: interactions, serving: serving, servingNetwork: servingNetwork, approved: approved,
            warm: WarmRows([]), now: nil)
    }

    /// - Parameters:
    ///   - warm: what the experiment was started from: it fits, and is folded into every posterior alike.
    ///   - now: where the clock of forgetting stands for every posterior; nil leaves it at the newest row of each.
    init(
        _ experiment: Experiment, version: ExperimentVersion, interactions: [Interaction], serving: ServingSnapshot,
        servingNetwork: SnapshotVersion, approved: ServingSnapshot?, warm: WarmRows,
        now: Timestamp?
    ) {
        self.now = now
        self.warm = warm
        self.experiment = experiment
        self.version = version
        self.interactions = interactions
        self.serving = serving
        self.servingNetwork = servingNetwork
        self.approved = approved
    }

    /// Takes the processor for seconds: off the caller's executor.
    @concurrent
    package func run() async throws -> Result {
        let cut = Int((Double(interactions.count) * Self.trainingShare).rounded(.down))
        let (older, newer) = (interactions[..<cut], interactions[cut...])
        var candidate = try warm.refit(experiment, version, with: Array(older))
        if let now { candidate.advance(to: now) }
        let defect = FoldCheck.defect(of: candidate.snapshot(version: 1), drift: 0)
        var baselines = [
            Baseline(kind: .serving, snapshot: servingNetwork, policy: try folded(serving, over: older)),
            Baseline(kind: .control, policy: ControlPolicy(experiment)),
        ]
        let servingIsApproved = approved.map { $0.representation == serving.representation } ?? false
        if let approved, !servingIsApproved {
            baselines.append(Baseline(kind: .approved, snapshot: approved.version, policy: try folded(approved, over: older)))
        }
        try Task.checkCancellation()
        let q = try LinearRewardTrainer(schema: experiment.context).train(on: Array(older), armCount: experiment.arms.count)
        var measurement = try await Self.measure(
            SnapshotPolicy(candidate.snapshot(version: 1)), against: baselines, on: newer, rewardModel: q)
        measurement.trainingRows = older.count
        measurement.servingIsApproved = servingIsApproved
        measurement.defect = defect
        for row in newer { candidate.fold(row) }
        return Result(candidate: candidate, measurement: measurement)
    }

    /// A snapshot's encoder and network with the posterior of the given rows.
    private func folded(_ snapshot: ServingSnapshot, over rows: ArraySlice<Interaction>) throws -> SnapshotPolicy {
        var learner = PolicyLearner(emptied: snapshot)
        warm.fold(into: &learner)
        for row in rows { learner.fold(row) }
        if let now { learner.advance(to: now) }
        try Task.checkCancellation()
        return SnapshotPolicy(learner.snapshot(version: snapshot.version))
    }

    /// Something to compare with.
    package struct Baseline: Sendable {
        package var kind: GateMeasurement.Comparison.Baseline
        package var snapshot: SnapshotVersion?
        package var policy: any Policy

        package init(kind: GateMeasurement.Comparison.Baseline, snapshot: SnapshotVersion? = nil, policy: any Policy) {
            self.kind = kind
            self.snapshot = snapshot
            self.policy = policy
        }
    }

    /// Paired DR of a candidate against baselines. O(rows * policies * arms) beside the policies' own work.
    /// - Parameters:
    ///   - rows: newer than what the policies and the model were fitted to; those without a propensity are left out.
    ///   - rewardModel: q.
    @concurrent
    package static func measure(
        _ candidate: any Policy, against baselines: [Baseline], on rows: ArraySlice<Interaction>, rewardModel: any RewardModel
    ) async throws -> GateMeasurement {
        let policies = baselines.map(\.policy) + [candidate]
        let names = baselines.map(\.kind.rawValue) + ["candidate"]
        // Numbers are kept also where the verdict withholds them from a report; the gate looks at the verdicts itself.
        var evaluator = try Evaluator(
            policies: names.map { EvaluatedPolicy(name: $0, target: .given) }, armCount: candidate.armCount,
            options: EvaluationOptions(estimators: [DoublyRobust()], isForced: true), rewardModel: "q")
        var estimates = [Double](repeating: 0, count: candidate.armCount)
        let all = Array(0..<candidate.armCount)
        var first: Timestamp?
        for row in rows where row.propensity != nil {
            first = first ?? row.time
            rewardModel.estimate(in: row.context, into: &estimates)
            let eligible = row.eligible ?? all
            try await evaluator.add(
                EvaluationRow(
                    arm: row.arm, propensity: row.propensity, reward: row.reward, unit: row.unit,
                    targets: policies.map { $0.distribution(over: eligible, in: row.context).probabilities }, estimates: estimates,
                    propensities: row.propensities, eligible: row.eligible))
        }
        guard evaluator.rowCount > 0 else {
            return GateMeasurement(
                cut: nil, trainingRows: 0, rows: 0, value: nil, verdict: .unsupported, reasons: ["no row after the cut has a propensity"],
                comparisons: baselines.map {
                    .init(
                        baseline: $0.kind, snapshot: $0.snapshot, verdict: .unsupported, value: nil, difference: nil, standardError: nil)
                }, servingIsApproved: false)
        }
        let report = try await evaluator.report()
        let judged = report.policies[baselines.count]
        return GateMeasurement(
            cut: first, trainingRows: 0, rows: report.rowCount, value: judged.estimates.first?.value, verdict: judged.verdict,
            reasons: judged.reasons,
            comparisons: baselines.enumerated().map { index, baseline in
                let difference = report.differences.first { $0.policy == "candidate" && $0.baseline == baseline.kind.rawValue }
                return GateMeasurement.Comparison(
                    baseline: baseline.kind, snapshot: baseline.snapshot, verdict: report.policies[index].verdict,
                    value: report.policies[index].estimates.first?.value, difference: difference?.value,
                    standardError: difference?.standardError)
            }, servingIsApproved: false)
    }
}

/// The control arm, or the first eligible one, with the floor that every policy of the experiment keeps.
private struct ControlPolicy: Policy {
    let armCount: Int
    let controlIndex: Int
    let floor: Double

    init(_ experiment: Experiment) {
        armCount = experiment.arms.count
        controlIndex = experiment.controlIndex
        floor = experiment.policy?.floor ?? 0
    }

    func distribution(over eligible: [Int], in context: Context) -> ArmDistribution {
        var weights = [Double](repeating: 0, count: armCount)
        weights[eligible.contains(controlIndex) ? controlIndex : eligible[0]] = 1
        return ArmDistribution(weights: weights, floor: min(floor, 1 / Double(eligible.count)), eligible: eligible)
    }
}
