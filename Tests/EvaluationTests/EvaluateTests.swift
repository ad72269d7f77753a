import Evaluation
import Foundation
import HaggleCore
import HaggleMath
import Testing

/// Always the same probabilities, renormalised over the eligible arms.
private struct FixedShares: Policy {
    var shares: [Double]
    var armCount: Int { shares.count }

    func distribution(over eligible: [Int], in context: Context) -> ArmDistribution {
        ArmDistribution(weights: shares, floor: 0, eligible: eligible)
    }
}

/// Estimates every arm by the mean reward of its rows; remembers which units it has seen.
private struct MeanTrainer: RewardModelTrainer {
    struct Model: RewardModel {
        var means: [Double]
        var seen: Set<Double>

        /// An estimate of 1e9 gives away that the model was fitted on the very row it is asked about.
        func estimate(in context: Context, into estimates: inout [Double]) {
            estimates = means
            if case .number(let id)? = context["id"], seen.contains(id) { estimates = estimates.map { _ in 1e9 } }
        }
    }

    var name: String { "mean" }

    func train(on interactions: [Interaction], armCount: Int) throws -> any RewardModel {
        var moments = [RunningMoments](repeating: RunningMoments(), count: armCount)
        var seen: Set<Double> = []
        for interaction in interactions {
            moments[interaction.arm].add(interaction.reward)
            if case .number(let id)? = interaction.context["id"] { seen.insert(id) }
        }
        return Model(means: moments.map(\.mean), seen: seen)
    }
}

struct EvaluateTests {
    /// 600 rows, three arms, the third eligible for even rows only; two rows a unit; reward = arm's mean + noise.
    private func source() -> InteractionList {
        var generator = SeededGenerator(seed: 21)
        let rows = (0..<600).map { index in
            let eligible = index % 2 == 0 ? [0, 1, 2] : [0, 1]
            let logging = ArmDistribution(weights: [0.5, 0.3, 0.2], floor: 0, eligible: eligible)
            let arm = logging.draw(generator.uniform())
            return Interaction(
                unit: UnitID("u\(index / 2)"), context: ["id": .number(Double(index / 2))], eligible: index % 2 == 0 ? nil : eligible,
                arm: arm, propensity: logging[arm], propensities: logging.probabilities,
                reward: [1.0, 2, 4][arm] + 0.1 * generator.normal(), snapshot: 1)
        }
        return InteractionList(arms: ["none", "five", "ten"].map { Arm(key: $0, isControl: $0 == "none") }, rows: rows)
    }

    @Test func policiesAreAskedForEligibleArmsOnly() async throws {
        let policies = [EvaluatedPolicy("ten", FixedShares(shares: [0.1, 0.1, 0.8])), .logged]
        let report = try await evaluate(source: source(), policies: policies)
        #expect(report.rowCount == 600 && report.armCount == 3 && report.clusteredBy == "unit")
        #expect(report.policies[0].diagnostics.targetMassOnImpossibleArms == 0)
        // Even rows: 0.1 + 0.2 + 3.2; odd rows: (1 + 2) / 2. Errors are near 0.1.
        let estimate = try #require(report.policies[0].estimate("SNIPS"))
        #expect(abs(try #require(estimate.value) - 2.5) < 4 * (try #require(estimate.standardError)))
        #expect(report.policies[0].verdict == .supported)
        let mean = source().rows.reduce(0) { $0 + $1.reward } / 600
        #expect(agree(try #require(report.policies[1].estimate("IPS")?.value), mean, within: 1e-13))
    }

    /// No model is asked about a unit that it was fitted on; with the honest one DR is far more precise than IPS.
    @Test func rewardModelsAreCrossFittedByUnit() async throws {
        let report = try await evaluate(
            source: source(), policies: [EvaluatedPolicy("ten", FixedShares(shares: [0.1, 0.1, 0.8]))], rewardModel: MeanTrainer())
        #expect(report.rewardModel == "mean")
        let direct = try #require(report.policies[0].estimate("DM")?.value)
        #expect(abs(direct - 2.5) < 0.05)
        let robust = try #require(report.policies[0].estimate("DR"))
        let weighted = try #require(report.policies[0].estimate("IPS"))
        #expect(abs(try #require(robust.value) - 2.5) < 0.05)
        #expect(try #require(robust.standardError) < 0.3 * (try #require(weighted.standardError)))
    }

    @Test func foldsAreEvenAndKeepUnitsTogether() {
        let folds = CrossFitting(foldCount: 4, seed: 3)
        var counts = [Int](repeating: 0, count: 4)
        for row in 0..<8000 {
            counts[folds.fold(unit: nil, row: row)] += 1
            let unit = UnitID("u\(row)")
            #expect(folds.fold(unit: unit, row: 1) == folds.fold(unit: unit, row: 2))
        }
        #expect((SampleRatioCheck(groups: counts.map { ("fold", 0.25, $0) }).pValue ?? 0) > 0.001)
    }

    @Test func tooFewRowsToCrossFitIsAnError() async throws {
        let one = InteractionList(arms: [Arm(key: "a")], rows: [Interaction(arm: 0, propensity: 1, reward: 1)])
        await #expect(throws: EvaluationError.tooFewRowsToCrossFit(folds: 5, rows: 1)) {
            try await evaluate(source: one, policies: [.logged], rewardModel: MeanTrainer())
        }
    }

    @Test func logsWithoutPropensitiesAreRefusedWithAdvice() async throws {
        let list = InteractionList(
            arms: [Arm(key: "a"), Arm(key: "b")],
            rows: [Interaction(arm: 0, propensity: 0.5, reward: 1), Interaction(arm: 0, propensity: nil, reward: 1)])
        await #expect(throws: EvaluationError.propensityMissing(row: 2)) {
            try await evaluate(source: list, policies: [EvaluatedPolicy("even", FixedShares(shares: [1, 1]))])
        }
        await #expect(throws: EvaluationError.emptyLog) {
            try await evaluate(source: InteractionList(arms: list.arms, rows: []), policies: [.logged])
        }
        await #expect(throws: EvaluationError.policyArmCount(policy: "three", expected: 2, found: 3)) {
            try await evaluate(source: list, policies: [EvaluatedPolicy("three", FixedShares(shares: [1, 1, 1]))])
        }
    }

    /// Rows of files, which bring their targets and estimates, take the same way as an evaluator that is fed by hand.
    @Test func rowsWithGivenTargetsAreEvaluated() async throws {
        let log = try SyntheticLog()
        let rows = AsyncStream { continuation in
            for row in log.rows(rowsPerUnit: 10) { continuation.yield(row) }
            continuation.finish()
        }
        let options = EvaluationOptions(unitName: "customer_id")
        let report = try await evaluate(
            rows: rows, policies: SyntheticLog.policies, armCount: log.armCount, options: options, rewardModel: "qhat.csv")
        var evaluator = try await log.evaluator(of: log.rows(rowsPerUnit: 10), options: options)
        var expected = try await evaluator.report()
        expected.rewardModel = "qhat.csv"
        #expect(report == expected)
        #expect(report.clusteredBy == "customer_id")
        #expect(report.policies[0].reasons.contains { $0.contains("only 30 units") })
        await #expect(throws: EvaluationError.self) {
            try await evaluate(source: source(), policies: [EvaluatedPolicy(name: "file", target: .given)])
        }
    }

    /// The published shape of the JSON, and that it reads back to the same report, doubles to the bit.
    @Test func reportsEncodeToThePublishedJSON() async throws {
        let policies = [EvaluatedPolicy("even", FixedShares(shares: [1, 1, 1])), .logged]
        let report = try await evaluate(
            source: source(), policies: policies,
            options: EvaluationOptions(intervals: [.normal, .bootstrap], resamples: 100, excluded: ["HOLDOUT": 12]))
        let data = try JSONEncoder().encode(report)
        #expect(try JSONDecoder().decode(EvaluationReport.self, from: data) == report)
        let json = try #require(try JSONSerialization.jsonObject(with: data) as? [String: Any])
        #expect(
            Set(json.keys) == [
                "n", "arms", "arm_names", "excluded", "clustered_by", "reward_model", "propensities", "warnings", "policies", "differences",
                "segments", "replays", "calibration", "provenance",
            ])
        #expect(json["n"] as? Int == 600 && json["arms"] as? Int == 3 && json["clustered_by"] as? String == "unit")
        #expect((json["excluded"] as? [String: Int]) == ["HOLDOUT": 12])
        let policy = try #require((json["policies"] as? [[String: Any]])?.first)
        #expect(Set(policy.keys) == ["policy", "verdict", "reasons", "diagnostics", "estimates", "overlap", "weight_tail", "course"])
        let diagnostics = try #require(policy["diagnostics"] as? [String: Any])
        for key in ["effective_sample_size", "mean_weight", "max_weight", "pareto_k"] { #expect(diagnostics[key] != nil, "\(key)") }
        let estimate = try #require((policy["estimates"] as? [[String: Any]])?.first)
        #expect(Set(estimate.keys) == ["estimator", "parameters", "value", "standard_error", "intervals"])
        let interval = try #require((estimate["intervals"] as? [[String: Any]])?.first)
        #expect(Set(interval.keys) == ["method", "level", "lower", "upper", "assumptions"])
        #expect(interval["method"] as? String == "normal")
        let difference = try #require((json["differences"] as? [[String: Any]])?.first)
        #expect(difference["policy"] as? String == "logged" && difference["baseline"] as? String == "even")
        let better = try #require(difference["probability_better"] as? Double)
        #expect(better > 0 && better < 1)
    }

    @Test func theTimeSplitTrainsOnTheOlderPart() {
        let rows = [30, 10, 20, 10, 40].enumerated().map {
            Interaction(time: Timestamp(microseconds: Int64($1)), arm: 0, propensity: 1, reward: Double($0))
        }
        let split = TimeSplit.split(rows, trainShare: 0.5)
        #expect(split.training.map(\.reward) == [1, 3])
        #expect(split.evaluation.map(\.reward) == [2, 0, 4])
        let untimed = rows.map {
            var row = $0
            row.time = nil
            return row
        }
        #expect(TimeSplit.split(untimed, trainShare: 0.8).training.map(\.reward) == [0, 1, 2, 3])
        #expect(TimeSplit.split(rows, trainShare: 0).training.isEmpty)
        #expect(TimeSplit.split(rows, trainShare: 1).evaluation.isEmpty)
    }
}
