import Evaluation
import Foundation
import HaggleCore
import HaggleMath
import Testing

/// What every estimator must do, whatever it estimates. A new estimator joins `everyEstimator` and passes all of these.
struct EstimatorConformanceTests {
    /// Estimators whose value is a function of sums; the likelihood also needs the distribution of weights.
    static let functionsOfSums = everyEstimator.filter { !$0.needsWeightDistribution } + [CressieRead(weightBound: 20)]

    /// The total of every declared term; numbers that could be those of a log with mean weight above or below 1.
    private func sums(of estimator: any Estimator, count: Double, perturbing index: Int? = nil, by factor: Double = 1) -> TermSums {
        var values = estimator.terms.enumerated().map { index, term -> Double in
            switch term {
            case .weight(.squared): 900
            case .reward(.squared): 700
            case .reward(.one): 350
            default: [412.5, 305.25, 211.0, 96.5][index % 4]
            }
        }
        var count = count
        if let index { if index == 0 { count *= factor } else { values[index - 1] *= factor } }
        return TermSums(count: count, terms: estimator.terms, sums: values)
    }

    /// Derivatives agree with central differences; a step of 1e-6 leaves an error near 1e-10.
    @Test(arguments: functionsOfSums.indices, [530.0, 390])
    func derivativesAreThoseOfTheValue(index: Int, count: Double) {
        let estimator = Self.functionsOfSums[index]
        let base = sums(of: estimator, count: count)
        let derivatives = estimator.derivatives(at: base)
        #expect(derivatives.terms.count == estimator.terms.count)
        for variable in 0...estimator.terms.count {
            let step = 1e-6
            let size = variable == 0 ? base.count : base[estimator.terms[variable - 1]]
            let above = estimator.value(of: sums(of: estimator, count: count, perturbing: variable, by: 1 + step))
            let below = estimator.value(of: sums(of: estimator, count: count, perturbing: variable, by: 1 - step))
            let numerical = (above - below) / (2 * step * size)
            let analytic = variable == 0 ? derivatives.count : derivatives.terms[variable - 1]
            #expect(abs(numerical - analytic) <= 1e-8 * (abs(analytic) + 1 / size), "\(estimator.spelling), sum \(variable)")
        }
    }

    /// The value does not change when all sums are multiplied, so influences add up to 0 (Euler) and a bootstrap needs no n. CressieRead counts
    /// one unseen row, which does not grow with the others.
    @Test(arguments: functionsOfSums.indices)
    func valueDoesNotDependOnTheScaleOfTheSums(index: Int) {
        let estimator = Self.functionsOfSums[index]
        if estimator is CressieRead { return }
        let base = sums(of: estimator, count: 530)
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
        let options = log.options(everyEstimator, intervals: [.normal, .bootstrap], resamples: 40)
        var whole = try await log.evaluator(of: rows, options: options)
        let expected = try await whole.report()

        var merged = try await log.evaluator(of: rows[203...], options: options, firstRow: 203)
        try await merged.merge(log.evaluator(of: rows[..<77], options: options, firstRow: 0))
        try await merged.merge(log.evaluator(of: rows[77..<203], options: options, firstRow: 77))
        try expectClose(try await merged.report(), expected, within: 1e-12)

        // Columns hold the chosen propensity only, so that MIPS has to stay away, and with it the other rows' diagnostics.
        let onColumns = log.options(everyEstimator.filter { $0.name != "MIPS" }, intervals: [.normal, .bootstrap], resamples: 40)
        let chosenOnly = rows.map {
            var row = $0
            row.propensities = nil
            return row
        }
        var byRows = try await log.evaluator(of: chosenOnly, options: onColumns)
        var columns = try Evaluator(policies: SyntheticLog.policies, armCount: log.armCount, options: onColumns, rewardModel: "file")
        for range in [0..<150, 150..<300] { try await columns.add(log.columns(of: Array(chosenOnly[range]))) }
        try expectClose(try await columns.report(), try await byRows.report(), within: 1e-13)
    }

    /// With units that have one row each, errors are those of rows.
    @Test func unitsWithOneRowEachChangeNothing() async throws {
        let log = try SyntheticLog()
        // Chance and folds are drawn by unit or row, so they fall differently.
        let options = log.options(everyEstimator.filter { $0.name != "Replay" && !$0.needsFolds })
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
            of: log.rows(rowsPerUnit: 5), options: log.options(everyEstimator, clustering: .row))
        var rows = try await log.evaluator(of: log.rows(), options: log.options(everyEstimator))
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

    /// On the log of the policy itself, with any model, every estimator is the mean reward that leaves a weight of 1 as it is and gives all
    /// rows the same say. The others: DM and the shrunken weights rest on the model, Replay is a sample, the adaptive ones weigh snapshots.
    @Test func theLoggingPolicyEarnsTheMeanReward() async throws {
        let log = try SyntheticLog()
        var evaluator = try Evaluator(
            policies: [.logged], armCount: log.armCount, options: log.options(everyEstimator), rewardModel: "file")
        for var row in log.rows() {
            row.targets = [[]]
            row.propensities = nil
            row.robustEstimates = [[]]
            row.snapshotVariances = [2]
            try await evaluator.add(row)
        }
        let report = try await evaluator.report()
        let mean = log.rewards.reduce(0, +) / Double(log.rowCount)
        for estimate in report.policies[0].estimates where !["DM", "DRos", "Replay"].contains(estimate.estimator) {
            #expect(agree(try #require(estimate.value), mean, within: 1e-12), "\(estimate.estimator)")
        }
        #expect(report.policies[0].diagnostics.meanWeightZ == nil)
        #expect(report.policies[0].diagnostics.effectiveSampleSize == Double(log.rowCount))
    }

    /// Where numbers do not exist they are null: no report holds NaN or an infinity, and a point value has no interval.
    @Test(arguments: ["no weight", "equal rewards", "one row", "one arm", "huge weight"])
    func degenerateLogsGiveNumbersOrNothing(kind: String) async throws {
        let armCount = kind == "one arm" ? 1 : 2
        let options = EvaluationOptions(
            estimators: everyEstimator.filter { $0.name != "Replay" } + [Replay(bound: 1e60)], intervals: [.normal, .bootstrap],
            resamples: 20,
            isForced: true, discounts: [0, 0.1].prefix(armCount).map(\.self), armCategories: [0, 1].prefix(armCount).map(\.self))
        var evaluator = try Evaluator(
            policies: [EvaluatedPolicy(name: "p", target: .given), EvaluatedPolicy(name: "other", target: .given)], armCount: armCount,
            options: options, rewardModel: "m")
        for index in 0..<(kind == "one row" ? 1 : 12) {
            let isHuge = kind == "huge weight" && index == 3
            let p = armCount == 1 ? 1 : isHuge ? 1e-50 : 0.5
            let target: [Double] = armCount == 1 ? [1] : kind == "no weight" ? [0, 1] : [0.75, 0.25]
            try await evaluator.add(
                EvaluationRow(
                    arm: 0, propensity: p, reward: kind == "equal rewards" ? 2 : Double(index % 3), targets: [target, target],
                    estimates: [Double](repeating: 1, count: armCount), propensities: armCount == 1 ? [1] : [p, 1 - p],
                    robustEstimates: [[Double]](repeating: [Double](repeating: 0.5, count: armCount), count: 2), balancedPropensity: p,
                    pastEstimates: [Double](repeating: 1, count: armCount), snapshotVariances: [.infinity, 1]))
        }
        let report = try await evaluator.report()
        #expect(throws: Never.self) { _ = try JSONEncoder().encode(report) }
        for estimate in report.policies.flatMap(\.estimates) {
            #expect(estimate.value?.isFinite ?? true, "\(estimate.estimator)")
            #expect(estimate.standardError?.isFinite ?? true, "\(estimate.estimator)")
            #expect(
                estimate.intervals.allSatisfy { $0.lower.isFinite && $0.upper.isFinite && $0.lower <= $0.upper }, "\(estimate.estimator)")
        }
        if kind == "equal rewards" {
            for name in ["SNIPS", "SNDR", "MLE", "CressieRead"] {
                #expect(agree(try #require(report.policies[0].estimate(name)?.value), 2, within: 1e-12), "\(name)")
            }
        }
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
            #expect(x.parameters == y.parameters && x.remarks == y.remarks, sourceLocation: location)
            let pairs =
                [(x.value, y.value), (x.standardError, y.standardError)] + zip(x.intervals, y.intervals).map { ($0.lower, $1.lower) }
            for (left, right) in pairs {
                guard let left, let right else {
                    #expect(left == nil && right == nil, "\(a.policy) \(x.estimator)", sourceLocation: location)
                    continue
                }
                #expect(agree(left, right, within: relative), "\(a.policy) \(x.estimator)", sourceLocation: location)
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
