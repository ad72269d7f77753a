import Evaluation
import HaggleCore
import HaggleMath
import Testing

struct BootstrapTests {
    @Test func weightsHaveMeanAndVarianceOne() {
        let counts = PoissonWeights.counts
        #expect(counts.reduce(0, +) == 65_536)
        #expect(counts.enumerated().reduce(0) { $0 + $1.offset * $1.element } == 65_536)
        #expect(counts.enumerated().reduce(0) { $0 + $1.offset * $1.offset * $1.element } == 2 * 65_536)
        // Distance to Poisson(1), as documented.
        var probability = 0.367_879_441_171_442_3
        var distance = 0.0
        for (weight, count) in counts.enumerated() {
            if weight > 0 { probability /= Double(weight) }
            distance += abs(Double(count) / 65_536 - probability)
        }
        #expect(distance / 2 < 3.7e-5)
    }

    /// Over keys and over replicates the drawn weights look like Poisson(1): the chi-square of the counts is not extreme.
    @Test func drawnWeightsFollowTheTable() {
        var observed = [Int](repeating: 0, count: 5)
        for unit in 0..<400 {
            let key = PoissonWeights.key(seed: 7, row: unit)
            for replicate in 0..<100 { observed[min(4, PoissonWeights.weight(key: key, replicate: replicate))] += 1 }
        }
        let shares = [24_109.0, 24_109, 12_056, 4_018, 1_244].map { $0 / 65_536 }
        let check = SampleRatioCheck(groups: observed.indices.map { ("\($0)", shares[$0], observed[$0]) })
        #expect((check.pValue ?? 0) > 0.001)
    }

    /// Weights of one unit in different replicates, and of different units in one replicate, are uncorrelated: 4 standard errors of 100 000.
    @Test func weightsOfReplicatesAndUnitsAreIndependent() {
        var neighbours = 0.0
        var acrossUnits = 0.0
        let count = 40_000
        for unit in 0..<count {
            let key = PoissonWeights.key(seed: 3, unitHash: UInt64(unit))
            let next = PoissonWeights.key(seed: 3, unitHash: UInt64(unit + 1))
            let weight = Double(PoissonWeights.weight(key: key, replicate: 2) - 1)
            neighbours += weight * Double(PoissonWeights.weight(key: key, replicate: 3) - 1)
            acrossUnits += weight * Double(PoissonWeights.weight(key: next, replicate: 2) - 1)
        }
        let limit = 4 * Double(count).squareRoot()
        #expect(abs(neighbours) < limit)
        #expect(abs(acrossUnits) < limit)
    }

    /// Replicates are a function of seed, replicate and observation: one thread or three, the interval is the same to the bit.
    @Test func threadsDoNotChangeTheInterval() async throws {
        let log = try SyntheticLog()
        var bounds: [[Double]] = []
        for threadCount in [1, 3] {
            var evaluator = try await log.evaluator(
                of: log.rows(), options: EvaluationOptions(intervals: [.bootstrap], resamples: 1000, seed: 9, threadCount: threadCount))
            bounds.append(try await evaluator.report().policies[1].estimates.flatMap { $0.intervals.flatMap { [$0.lower, $0.upper] } })
        }
        #expect(bounds[0].count == 2 * EstimatorPanel.standard(withRewardModel: true).count)
        #expect(bounds[0] == bounds[1])
    }

    /// The sums of a replicate are what the documented weights give.
    @Test func aReplicateIsTheWeightedLog() async throws {
        let log = try SyntheticLog()
        let resamples = 2
        var evaluator = try await log.evaluator(
            of: log.rows(), options: EvaluationOptions(intervals: [.bootstrap], level: 0.999_999_999, resamples: resamples, seed: 5))
        let interval = try #require(try await evaluator.report().policies[1].estimate("SNIPS")?.intervals.first)
        let replicates = (0..<resamples).map { replicate in
            var top = 0.0
            var bottom = 0.0
            for row in 0..<log.rowCount {
                let count = Double(PoissonWeights.weight(key: PoissonWeights.key(seed: 5, row: row), replicate: replicate))
                let weight = count * log.targets[row][log.arms[row]] / log.propensities[row]
                top += weight * log.rewards[row]
                bottom += weight
            }
            return top / bottom
        }
        // At that level the percentiles of two replicates are the replicates, to 1e-9 of their distance.
        #expect(abs(interval.lower - (replicates.min() ?? 0)) < 1e-9)
        #expect(abs(interval.upper - (replicates.max() ?? 0)) < 1e-9)
    }

    /// The bootstrap's spread is the delta method's error: 1 000 replicates know a standard deviation to 2.2 %, percentiles to about 4 %.
    @Test(arguments: [0, 5])
    func bootstrapAgreesWithTheDeltaMethod(rowsPerUnit: Int) async throws {
        let log = try SyntheticLog()
        var evaluator = try await log.evaluator(
            of: log.rows(rowsPerUnit: rowsPerUnit),
            options: log.options(everyEstimator, intervals: [.normal, .bootstrap]))
        // BalancedIPS is a point only, and MLE needs the distribution of weights, which replicates do not keep. Tuned estimates have the interval
        // of their widest candidate, which is among the others.
        let estimates = try await evaluator.report().policies[1].estimates.filter { $0.intervals.count == 2 && $0.remarks.isEmpty }
        #expect(estimates.count >= 20)
        for estimate in estimates {
            let normal = try #require(estimate.intervals.first)
            let bootstrap = try #require(estimate.intervals.last)
            #expect(normal.method == .normal && bootstrap.method == .bootstrap)
            #expect(agree(normal.upper - normal.lower, bootstrap.upper - bootstrap.lower, within: 0.15), "\(estimate.estimator)")
        }
    }
}
