import Evaluation
import HaggleCore
import HaggleMath
import Testing

/// Choosing a hyper-parameter on the data.
struct TuningTests {
    /// Statistics by hand: the sum of every reward term (n = 101, so that a value is its sum / 101) and the standard error of every limit.
    private func statistics(values: [Double], errors: [Double], foldCount: Int = 0, folds: (([Int]) -> TermSums)? = nil) -> TuningStatistics
    {
        let terms = TunedEstimator(.ips, by: .slope).terms
        return TuningStatistics(
            sums: TermSums(count: 101, terms: terms, sums: values.map { $0 * 101 }), observationCount: 101, meanSquareWeight: 2,
            largestWeight: 4,
            standardError: { estimator in errors[TunedEstimator.grid.firstIndex(of: estimator.parameters["lambda"] ?? 0) ?? 7] },
            foldCount: foldCount, foldSums: folds)
    }

    /// t_{100, .9} = 1.29007. From plain weights (V = 1, SE = .5, w = .645) to the strongest clipping: the candidate at l = 2 is too far from
    /// the one at l = 5, so 5 is chosen, although 1 would agree again.
    @Test func slopeStopsAtTheFirstDisagreement() throws {
        // l = 1, 2, 5, 10, 50, 100, 1000, none; distances between neighbours against w_i + 1.449 w_j.
        let values = [0.9, 0.1, 0.8, 1, 1, 1, 1, 1]
        let errors = [0.01, 0.02, 0.3, 0.5, 0.5, 0.5, 0.5, 0.5]
        // |0.8 - 1| = 0.2 <= 1.29 (0.3 + 1.449 * 0.5); |0.1 - 0.8| = 0.7 > 1.29 (0.02 + 1.449 * 0.3) = 0.587.
        let resolved = TunedEstimator(.ips, by: .slope).resolved(on: statistics(values: values, errors: errors))
        #expect(resolved.parameters == ["lambda": 5])
        // The interval is the widest candidate's; of equally wide ones that of plain weights.
        #expect(resolved.error.name == "IPS" && resolved.error.parameters.isEmpty)
        // A little nearer, and all agree: the last one is taken.
        let agreeing = TunedEstimator(.ips, by: .slope).resolved(
            on: statistics(values: [0.9, 0.9, 0.9, 1, 1, 1, 1, 1], errors: [0.1, 0.2, 0.3, 0.5, 0.5, 0.5, 0.5, 0.5]))
        #expect(agreeing.parameters == ["lambda": 1])
    }

    /// Squared error by hand: slack = sqrt(2 * 2 * ln 40 / 101) + 2 * 4 * ln 40 / 303 = .4796. Plain: .25 * 100/101 + .23; l = 2 has bias .1:
    /// .0396 + .336; l = 1 has bias .6: near 0 + 1.165.
    @Test func theSmallestErrorIsTaken() throws {
        let resolved = TunedEstimator(.ips, by: .mse).resolved(
            on: statistics(values: [0.4, 0.9, 1, 1, 1, 1, 1, 1], errors: [0.02, 0.2, 0.5, 0.5, 0.5, 0.5, 0.5, 0.5]))
        #expect(resolved.parameters == ["lambda": 2])
        // All alike: the strongest transform, as Open Bandit Pipeline does.
        let alike = TunedEstimator(.ips, by: .mse).resolved(
            on: statistics(values: [1, 1, 1, 1, 1, 1, 1, 1], errors: [Double](repeating: 0.5, count: 8)))
        #expect(alike.parameters == ["lambda": 1])
    }

    /// Two folds, so two pairs of halves. Plain weights find 0 and 2; l = 1 finds 1 in both: losses (1 - 2)^2 and (1 - 0)^2 against 4 and 4.
    @Test func heldOutHalvesJudge() throws {
        let terms = TunedEstimator(.ips, by: .crossValidation).terms
        func half(_ fold: Int) -> TermSums {
            let plain = fold == 0 ? 0.0 : 2
            return TermSums(count: 50, terms: terms, sums: [1, plain, plain, plain, plain, plain, plain, plain].map { $0 * 50 })
        }
        let ones = [Double](repeating: 1, count: 8)
        let resolved = TunedEstimator(.ips, by: .crossValidation).resolved(
            on: statistics(values: ones, errors: ones, foldCount: 2) { half($0[0]) })
        #expect(resolved.parameters == ["lambda": 1])
        #expect(resolved.remarks == ["chosen on this data by cross-validation"])
        // One half without rows: nothing to judge by, so weights stay as they are.
        let empty = TunedEstimator(.ips, by: .crossValidation).resolved(
            on: statistics(values: ones, errors: ones, foldCount: 2) { folds in
                folds == [0] ? half(0) : TermSums(count: 0, terms: terms, sums: ones.map { _ in 0 })
            })
        #expect(empty.parameters.isEmpty && empty.remarks == ["chosen on this data by cross-validation: weights unchanged"])
    }

    /// In a log with rare, huge weights the rules clip, and the interval is still the one of plain weights. The estimated-MSE rule may keep them:
    /// it adds an upper bound of the bias, which clipping raises by as much.
    @Test(arguments: TunedEstimator.Rule.allCases)
    func heavyTailsAreClipped(rule: TunedEstimator.Rule) async throws {
        var generator = SeededGenerator(seed: 3)
        var evaluator = try Evaluator(
            policies: [EvaluatedPolicy(name: "p", target: .given)], armCount: 2,
            options: EvaluationOptions(
                estimators: [TunedEstimator(.ips, by: rule), InversePropensityScore(), TunedEstimator(.dr, by: rule), DoublyRobust()],
                isForced: true), rewardModel: "m")
        for _ in 0..<3000 {
            let p = generator.uniform() < 0.01 ? 0.0005 : 0.5
            let arm = generator.uniform() < p ? 0 : 1
            try await evaluator.add(
                EvaluationRow(
                    arm: arm, propensity: arm == 0 ? p : 1 - p, reward: 1 + 0.1 * generator.normal(), targets: [[0.5, 0.5]],
                    estimates: [0.9, 0.9]))
        }
        // One row whose weight is a third of all.
        try await evaluator.add(EvaluationRow(arm: 0, propensity: 0.0005, reward: 1, targets: [[0.5, 0.5]], estimates: [0.9, 0.9]))
        let estimates = try await evaluator.report().policies[0].estimates
        let (tuned, plain) = (estimates[0], estimates[1])
        #expect(tuned.estimator == "IPS" && tuned.parameters["lambda"] != nil)
        let (chosen, unchanged) = (abs(try #require(tuned.value) - 1), abs(try #require(plain.value) - 1))
        #expect(rule == .mse ? chosen <= unchanged : chosen < unchanged)
        #expect(tuned.standardError == plain.standardError)
        #expect(tuned.intervals.map(\.lower) == plain.intervals.map(\.lower))
        #expect(tuned.intervals.allSatisfy { $0.assumptions.contains("chosen on this data") })
        #expect(estimates[2].standardError == estimates[3].standardError)
    }

    /// The difference of two tuned values comes with the paired error of plain weights.
    @Test func differencesOfTunedValuesHaveTheErrorOfPlainWeights() async throws {
        let log = try SyntheticLog()
        var evaluator = try await log.evaluator(of: log.rows(), options: log.options([TunedEstimator(.dr, by: .slope), DoublyRobust()]))
        let report = try await evaluator.report()
        let (tuned, plain) = (report.differences[0], report.differences[1])
        let values = report.policies.compactMap { $0.estimates[0].value }
        #expect(abs(try #require(tuned.value) - (values[1] - values[0])) < 1e-15)
        #expect(tuned.standardError == plain.standardError && tuned.intervals.map(\.upper) == plain.intervals.map(\.upper))
    }
}
