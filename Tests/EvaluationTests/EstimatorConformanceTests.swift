import Evaluation
import HaggleCore
import HaggleMath
import Testing

/// What every estimator must do, whatever it estimates. A new estimator joins `everyEstimator` and passes all of these.
struct EstimatorConformanceTests {
    /// The total of every declared term on the synthetic log, some with weights as a bootstrap would give them.
    private func sums(of estimator: any Estimator, perturbing index: Int? = nil, by factor: Double = 1) -> TermSums {
        // Any positive numbers of ordinary size will do: the contract is about f, not about data.
        var values = [412.5, 305.25, 211.0, 96.5].prefix(estimator.terms.count).map(\.self)
        var count = 530.0
        if let index { if index == 0 { count *= factor } else { values[index - 1] *= factor } }
        return TermSums(count: count, terms: estimator.terms, sums: values)
    }

    /// Derivatives agree with central differences; a step of 1e-6 leaves an error near 1e-10.
    @Test(arguments: everyEstimator.indices)
    func derivativesAreThoseOfTheValue(index: Int) {
        let estimator = everyEstimator[index]
        let derivatives = estimator.derivatives(at: sums(of: estimator))
        #expect(derivatives.terms.count == estimator.terms.count)
        let base = sums(of: estimator)
        for variable in 0...estimator.terms.count {
            let step = 1e-6
            let size = variable == 0 ? base.count : base[estimator.terms[variable - 1]]
            let above = estimator.value(of: sums(of: estimator, perturbing: variable, by: 1 + step))
            let below = estimator.value(of: sums(of: estimator, perturbing: variable, by: 1 - step))
            let numerical = (above - below) / (2 * step * size)
            let analytic = variable == 0 ? derivatives.count : derivatives.terms[variable - 1]
            #expect(abs(numerical - analytic) <= 1e-8 * (abs(analytic) + 1 / size), "\(estimator.name), sum \(variable)")
        }
    }

    /// The value does not change when all sums are multiplied, so influences add up to 0 (Euler) and a bootstrap needs no n.
    @Test(arguments: everyEstimator.indices)
    func valueDoesNotDependOnTheScaleOfTheSums(index: Int) {
        let estimator = everyEstimator[index]
        let base = sums(of: estimator)
        let tripled = TermSums(count: 3 * base.count, terms: estimator.terms, sums: estimator.terms.map { 3 * base[$0] })
        #expect(agree(estimator.value(of: base), estimator.value(of: tripled), within: 1e-14))
        let derivatives = estimator.derivatives(at: base)
        var euler = derivatives.count * base.count
        for (term, derivative) in zip(estimator.terms, derivatives.terms) { euler += derivative * base[term] }
        #expect(abs(euler) <= 1e-13 * abs(estimator.value(of: base)))
    }

    /// Chunks as columns, shards merged in another order, and single rows all give the same report. 1e-12 is the contract of merging.
    @Test(arguments: [0, 5])
    func streamingChunksAndShardsAgree(rowsPerUnit: Int) async throws {
        let log = try SyntheticLog()
        let rows = log.rows(rowsPerUnit: rowsPerUnit)
        let options = EvaluationOptions(estimators: everyEstimator, intervals: [.normal, .bootstrap], resamples: 40, threadCount: 2)
        var whole = try await log.evaluator(of: rows, options: options)
        let expected = try await whole.report()

        var merged = try await log.evaluator(of: rows[203...], options: options, firstRow: 203)
        try await merged.merge(log.evaluator(of: rows[..<77], options: options, firstRow: 0))
        try await merged.merge(log.evaluator(of: rows[77..<203], options: options, firstRow: 77))
        try expectClose(try await merged.report(), expected, within: 1e-12)

        var columns = try Evaluator(policies: SyntheticLog.policies, armCount: log.armCount, options: options, rewardModel: "file")
        for range in [0..<150, 150..<300] {
            try await columns.add(
                EvaluationColumns(
                    arms: Array(log.arms[range]), propensities: Array(log.propensities[range]), rewards: Array(log.rewards[range]),
                    units: rowsPerUnit > 0 ? rows[range].compactMap(\.unit) : nil,
                    targets: [rows[range].flatMap { $0.targets[0] }, rows[range].flatMap { $0.targets[1] }],
                    estimates: rows[range].flatMap { $0.estimates ?? [] }, armCount: log.armCount))
        }
        try expectClose(try await columns.report(), expected, within: 1e-13)
    }

    /// With units that have one row each, errors are those of rows.
    @Test func unitsWithOneRowEachChangeNothing() async throws {
        let log = try SyntheticLog()
        let options = EvaluationOptions(estimators: everyEstimator)
        var withUnits = try await log.evaluator(of: log.rows(rowsPerUnit: 1), options: options)
        var without = try await log.evaluator(of: log.rows(), options: options)
        let report = try await withUnits.report()
        #expect(report.clusteredBy == nil)
        try expectClose(report, try await without.report(), within: 1e-13)
    }

    /// Where units recur but clustering is switched off, errors are those of rows.
    @Test func clusteringCanBeSwitchedOff() async throws {
        let log = try SyntheticLog()
        var clustered = try await log.evaluator(
            of: log.rows(rowsPerUnit: 5), options: EvaluationOptions(estimators: everyEstimator, clustering: .row))
        var rows = try await log.evaluator(of: log.rows(), options: EvaluationOptions(estimators: everyEstimator))
        try expectClose(try await clustered.report(), try await rows.report(), within: 1e-13)
    }

    /// Rows without a unit stand for themselves beside recurring units: an error from a hand-written sum over both kinds.
    @Test func rowsWithAndWithoutUnitsMix() async throws {
        let rows: [(unit: String?, weight: Double, reward: Double)] = [
            ("a", 1.5, 1), (nil, 0.5, 2), ("a", 1, 3), ("b", 2, 0), (nil, 0.25, 4), ("b", 1, 1), ("c", 0.75, 2),
        ]
        var evaluator = try Evaluator(
            policies: [EvaluatedPolicy(name: "p", target: .given)], armCount: 2,
            options: EvaluationOptions(estimators: [InversePropensityScore()], isForced: true))
        for row in rows {
            try await evaluator.add(
                EvaluationRow(
                    arm: 0, propensity: 0.25, reward: row.reward, unit: row.unit.map { UnitID($0) },
                    targets: [[0.25 * row.weight, 1 - 0.25 * row.weight]]))
        }
        let estimate = try #require(try await evaluator.report().policies[0].estimate("IPS"))
        let scores = rows.map { $0.weight * $0.reward }
        let mean = scores.reduce(0, +) / 7
        var squares = 0.0
        for cluster in [[0, 2], [3, 5], [6], [1], [4]] {
            var influence = 0.0
            for row in cluster { influence += (scores[row] - mean) / 7 }
            squares += influence * influence
        }
        #expect(agree(try #require(estimate.standardError), (5.0 / 4 * squares).squareRoot(), within: 1e-13))
    }

    /// On the log of the policy itself, with any model, each consistent estimator but DM is the mean reward (IPS and DR only with the logged
    /// arm standing in for the policy).
    @Test func theLoggingPolicyEarnsTheMeanReward() async throws {
        let log = try SyntheticLog()
        var evaluator = try Evaluator(
            policies: [.logged], armCount: log.armCount, options: EvaluationOptions(estimators: everyEstimator), rewardModel: "file")
        for var row in log.rows() {
            row.targets = [[]]
            try await evaluator.add(row)
        }
        let report = try await evaluator.report()
        let mean = log.rewards.reduce(0, +) / Double(log.rowCount)
        for estimator in ["IPS", "CIPS", "SNIPS", "DR"] {
            #expect(agree(try #require(report.policies[0].estimate(estimator)?.value), mean, within: 1e-13), "\(estimator)")
        }
        #expect(report.policies[0].diagnostics.meanWeightZ == nil)
        #expect(report.policies[0].diagnostics.effectiveSampleSize == Double(log.rowCount))
    }

    /// Adding a constant to all rewards moves SNIPS by it, and moves IPS by that times the mean weight.
    @Test func selfNormalisationMovesWithTheRewards() async throws {
        let log = try SyntheticLog()
        let options = EvaluationOptions(estimators: [InversePropensityScore(), SelfNormalisedInversePropensityScore()])
        var base = try await log.evaluator(of: log.rows(), options: options)
        var shifted = try await log.evaluator(
            of: log.rows().map {
                var row = $0
                row.reward += 1000
                return row
            }, options: options)
        let before = try await base.report().policies[1]
        let after = try await shifted.report().policies[1]
        #expect(abs(try #require(after.estimate("SNIPS")?.value) - (try #require(before.estimate("SNIPS")?.value)) - 1000) < 1e-10)
        // Rewards are 1 000 times their spread now: the error keeps 9 digits because co-moments are centred.
        #expect(
            agree(
                try #require(after.estimate("SNIPS")?.standardError), try #require(before.estimate("SNIPS")?.standardError), within: 1e-9))
        let movement = try #require(after.estimate("IPS")?.value) - (try #require(before.estimate("IPS")?.value))
        #expect(agree(movement, 1000 * before.diagnostics.meanWeight, within: 1e-11))
    }
}

/// Compares every number of two reports.
private func expectClose(
    _ one: EvaluationReport, _ other: EvaluationReport, within relative: Double, location: SourceLocation = #_sourceLocation
) throws {
    #expect(one.rowCount == other.rowCount, sourceLocation: location)
    for (a, b) in zip(one.policies, other.policies) {
        #expect(a.verdict == b.verdict, sourceLocation: location)
        for (x, y) in zip(a.estimates, b.estimates) {
            #expect(x.estimator == y.estimator && x.intervals.count == y.intervals.count, sourceLocation: location)
            let pairs =
                [(x.value, y.value), (x.standardError, y.standardError)] + zip(x.intervals, y.intervals).map { ($0.lower, $1.lower) }
            for (left, right) in pairs {
                #expect(
                    agree(try #require(left), try #require(right), within: relative), "\(a.policy) \(x.estimator)", sourceLocation: location
                )
            }
        }
        #expect(agree(a.diagnostics.effectiveSampleSize, b.diagnostics.effectiveSampleSize, within: relative), sourceLocation: location)
        #expect(
            agree(a.diagnostics.topPercentWeightShare, b.diagnostics.topPercentWeightShare, within: relative), sourceLocation: location)
        #expect(a.diagnostics.paretoK == b.diagnostics.paretoK, sourceLocation: location)
    }
    for (a, b) in zip(one.differences, other.differences) {
        // Differences of near values: their absolute error is that of the values.
        #expect(abs(try #require(a.value) - (try #require(b.value))) <= relative * 10, sourceLocation: location)
    }
}
