import Evaluation
import HaggleCore
import Testing

/// Every kind of bad row is refused with its number; rows are counted from 1.
struct EvaluatorErrorTests {
    private static let policies = [EvaluatedPolicy(name: "p", target: .given)]

    private func row(
        arm: Int = 0, propensity: Double? = 0.5, reward: Double = 1, target: [Double] = [0.5, 0.5], estimates: [Double]? = [0, 0],
        propensities: [Double]? = nil, eligible: [Int]? = nil
    ) -> EvaluationRow {
        EvaluationRow(
            arm: arm, propensity: propensity, reward: reward, targets: [target], estimates: estimates, propensities: propensities,
            eligible: eligible)
    }

    /// The error of a bad second row.
    private func error(of bad: EvaluationRow) async throws -> EvaluationError? {
        var evaluator = try Evaluator(policies: Self.policies, armCount: 2, rewardModel: "file")
        try await evaluator.add(row())
        return await #expect(throws: EvaluationError.self) { try await evaluator.add(bad) }
    }

    @Test func badRowsAreRefusedByNumber() async throws {
        #expect(try await error(of: row(arm: 2)) == .unknownArm(row: 2, arm: 2, armCount: 2))
        #expect(try await error(of: row(arm: -1)) == .unknownArm(row: 2, arm: -1, armCount: 2))
        #expect(try await error(of: row(propensity: nil)) == .propensityMissing(row: 2))
        #expect(try await error(of: row(propensity: 0)) == .propensityOutOfRange(row: 2, found: 0))
        #expect(try await error(of: row(propensity: 1.1)) == .propensityOutOfRange(row: 2, found: 1.1))
        #expect(try await error(of: row(propensity: -0.1)) == .propensityOutOfRange(row: 2, found: -0.1))
        guard case .propensityOutOfRange(row: 2, _) = try await error(of: row(propensity: .nan)) else {
            Issue.record("NaN is not a propensity")
            return
        }
        #expect(try await error(of: row(propensity: .leastNonzeroMagnitude)) == .weightOverflow(row: 2, policy: "p"))
        #expect(try await error(of: row(reward: .infinity)) == .rewardNotFinite(row: 2))
        #expect(try await error(of: row(target: [1])) == .targetWidth(row: 2, policy: "p", expected: 2, found: 1))
        #expect(try await error(of: row(target: [0.5, 0.4])) == .targetSum(row: 2, policy: "p", found: 0.9))
        #expect(try await error(of: row(target: [-0.5, 1])) == .targetNotProbability(row: 2, policy: "p", arm: 0, found: -0.5))
        #expect(try await error(of: row(target: [0.5, 0.5], eligible: [0])) == .targetOnIneligibleArm(row: 2, policy: "p", arm: 1))
        #expect(try await error(of: row(estimates: nil)) == .estimatesMissing(row: 2))
        #expect(try await error(of: row(estimates: [1])) == .estimatesWidth(row: 2, expected: 2, found: 1))
        #expect(try await error(of: row(estimates: [1, .nan])) == .estimateNotFinite(row: 2, arm: 1))
        for propensities in [[1.0], [0.5, 0.6], [0.7, 0.3], [-0.5, 1.5]] {
            guard case .propensitiesWrong(row: 2, _) = try await error(of: row(propensities: propensities)) else {
                Issue.record("\(propensities) were accepted")
                continue
            }
        }
        var several = row()
        several.targets = []
        #expect(try await error(of: several) == .targetsCount(row: 2, expected: 1, found: 0))
    }

    @Test func targetsMayMissOneByAMillionth() async throws {
        var evaluator = try Evaluator(policies: Self.policies, armCount: 2)
        try await evaluator.add(row(target: [0.5, 0.500_000_9], estimates: nil))
        #expect(evaluator.rowCount == 1)
    }

    @Test func anEmptyLogIsAnError() async throws {
        var evaluator = try Evaluator(policies: Self.policies, armCount: 2)
        await #expect(throws: EvaluationError.emptyLog) { try await evaluator.report() }
    }

    @Test func impossibleRequestsAreRefused() throws {
        #expect(throws: EvaluationError.noPolicies) { try Evaluator(policies: [], armCount: 2) }
        #expect(throws: EvaluationError.duplicatePolicy("p")) { try Evaluator(policies: Self.policies + Self.policies, armCount: 2) }
        #expect(throws: EvaluationError.estimatorNeedsRewardModel("DR")) {
            try Evaluator(policies: Self.policies, armCount: 2, options: EvaluationOptions(estimators: [DoublyRobust()]))
        }
        for options in [
            EvaluationOptions(level: 1), EvaluationOptions(resamples: 0), EvaluationOptions(folds: 1), EvaluationOptions(threadCount: 0),
            EvaluationOptions(estimators: []), EvaluationOptions(intervals: [.hoeffding]),
        ] {
            #expect(throws: EvaluationError.self) { try Evaluator(policies: Self.policies, armCount: 2, options: options) }
        }
    }

    @Test func differentEvaluationsDoNotMerge() async throws {
        var one = try Evaluator(policies: Self.policies, armCount: 2)
        for other in [
            try Evaluator(policies: [EvaluatedPolicy(name: "q", target: .given)], armCount: 2),
            try Evaluator(policies: Self.policies, armCount: 3),
            try Evaluator(policies: Self.policies, armCount: 2, options: EvaluationOptions(seed: 2)),
        ] {
            await #expect(throws: EvaluationError.self) { try await one.merge(other) }
        }
    }

    /// The message of a missing propensity says what to do; no message of a reward repeats it.
    @Test func messagesSayWhatToDo() {
        #expect(EvaluationError.propensityMissing(row: 7).description.hasPrefix("row 7: there is no propensity"))
        #expect(EvaluationError.propensityMissing(row: 7).description.contains("log it with every impression"))
        #expect(EvaluationError.rewardNotFinite(row: 3).description == "row 3: expected a finite reward; correct or remove the row")
        #expect(EvaluationError.unknownEstimator("SNIP", known: EstimatorPanel.names, suggestion: nil).description.contains("SNIPS"))
    }

    @Test func estimatorsAreReadFromText() throws {
        #expect(try EstimatorPanel.parse("snips").name == "SNIPS")
        #expect(try EstimatorPanel.parse("CIPS(2.5)").parameters == ["lambda": 2.5])
        #expect(try EstimatorPanel.parse("CIPS").parameters == ["lambda": 10])
        for name in EstimatorPanel.names { #expect(try EstimatorPanel.parse(name).name == name) }
        for text in ["SNIP", "CIPS(0)", "CIPS(inf)", "CIPS(x)", "CIPS(1", "IPS(2)", ""] {
            #expect(throws: EvaluationError.self) { try EstimatorPanel.parse(text) }
        }
    }
}
