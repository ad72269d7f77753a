import HaggleCore
import HaggleMath
import TestSupport
import Testing

@testable import Policies

/// `posterior: shared`, with and without `centred`.
@Suite struct SharedPosteriorTests {
    static let all = Array(DepthWorld.depths.indices)

    static func configuration(
        _ algorithm: PolicyConfiguration.Algorithm = .linearThompson, centred: Bool = false, variance: Double? = nil
    ) -> PolicyConfiguration {
        PolicyConfiguration(algorithm: algorithm, floor: 0.01, variance: variance, posterior: .shared, isCentred: centred, model: .small)
    }

    static func refit(_ configuration: PolicyConfiguration, _ log: [Interaction]) throws -> PolicyLearner {
        try PolicyLearner.refit(DepthWorld.experiment(configuration), experimentVersion: 1, interactions: log)
    }

    /// The same posterior as a Gaussian process with the kernel psi'psi phi'phi, from the rows' products and not from the features' (Rasmussen & Williams
    /// 2006, equations 2.25 and 2.26 with noise lambda), solved by elimination.
    @Test func meansAndCovarianceAreAGaussianProcesss() throws {
        let log = DepthWorld.log(count: 40, seed: 1)
        let snapshot = try Self.refit(Self.configuration(variance: 0.7), log).snapshot(version: 1)
        let psi = ArmKernel(DepthWorld.arms).rows
        func dot(_ a: [Double], _ b: [Double]) -> Double { zip(a, b).reduce(0) { $0 + $1.0 * $1.1 } }
        let mean = log.reduce(0) { $0 + $1.reward } / 40
        let deviation = (log.reduce(0) { $0 + ($1.reward - mean) * ($1.reward - mean) } / 40).squareRoot()
        let phis = log.map { snapshot.representation.phi($0.context) }
        let context: Context = ["x": .number(0.3)]
        let phi = snapshot.representation.phi(context)
        func row(_ arm: Int) -> [Double] { log.indices.map { dot(psi[arm], psi[log[$0].arm]) * dot(phi, phis[$0]) } }
        let products = log.indices.map { i in
            log.indices.map { j in dot(psi[log[i].arm], psi[log[j].arm]) * dot(phis[i], phis[j]) + (i == j ? 1 : 0) }
        }
        let targets = log.map { ($0.reward - mean) / deviation }
        let policy = SnapshotPolicy(snapshot)
        let scores = policy.scores(of: Self.all, in: context)
        let covariance = policy.covariance(of: Self.all, in: context)
        let solved = Self.solve(products, [targets] + Self.all.map(row))
        for a in Self.all {
            #expect(abs(scores.means[a] - dot(row(a), solved[0])) < 1e-8)
            for b in Self.all {
                let expected = 0.7 * (dot(psi[a], psi[b]) * dot(phi, phi) - dot(row(a), solved[1 + b]))
                #expect(abs(covariance[a * 7 + b] - expected) < 1e-8)
            }
        }
    }

    /// Solves for several right-hand sides by Gaussian elimination with pivots.
    static func solve(_ matrix: [[Double]], _ sides: [[Double]]) -> [[Double]] {
        let n = matrix.count
        var rows = (0..<n).map { i in matrix[i] + sides.map { $0[i] } }
        for column in 0..<n {
            let pivot = (column..<n).max { abs(rows[$0][column]) < abs(rows[$1][column]) } ?? column
            rows.swapAt(column, pivot)
            for row in 0..<n where row != column {
                let factor = rows[row][column] / rows[column][column]
                guard factor != 0 else { continue }
                for k in column..<rows[row].count { rows[row][k] -= factor * rows[column][k] }
            }
        }
        return sides.indices.map { side in (0..<n).map { rows[$0][n + side] / rows[$0][$0] } }
    }

    @Test func theKernelIsThatOfTheArmsFeatures() {
        let kernel = ArmKernel(DepthWorld.arms).rows
        let features = ArmFeatures(DepthWorld.arms).rows
        let squares = features.reduce(0) { $0 + $1.reduce(0) { $0 + $1 * $1 } } / Double(features.count)
        for a in features.indices {
            for b in features.indices {
                let expected = zip(features[a], features[b]).reduce(0) { $0 + $1.0 * $1.1 } / squares
                #expect(abs(zip(kernel[a], kernel[b]).reduce(0) { $0 + $1.0 * $1.1 } - expected) < 1e-9)
            }
        }
    }

    @Test(
        arguments: [false, true],
        [PolicyConfiguration.Algorithm.linearThompson, .linearUCB, .topTwoThompson, .softmax, .squareCB, .neuralThompson])
    func itConforms(isCentred: Bool, algorithm: PolicyConfiguration.Algorithm) throws {
        let learner = try Self.refit(Self.configuration(algorithm, centred: isCentred), DepthWorld.log(count: 200, seed: 2))
        let contexts: [Context] = [["x": 0.2], [:], ["x": .number(1e9)], ["x": .text("odd")]]
        #expect(policyViolations(SnapshotPolicy(learner.snapshot(version: 1)), floor: 0.01, contexts: contexts) == [])
    }

    /// The prior knows of no arm more than of another, although the kernel's ends are freer than its middle.
    @Test(arguments: [false, true]) func nothingLearnedIsEven(isCentred: Bool) {
        let snapshot = ServingSnapshot.initial(
            experiment: DepthWorld.experiment(Self.configuration(centred: isCentred)), experimentVersion: 1)
        for share in SnapshotPolicy(snapshot).distribution(over: Self.all, in: [:]).probabilities { #expect(abs(share - 1 / 7) < 1e-12) }
    }

    @Test(arguments: [false, true]) func rebuildMergeAndCorrectionsAgree(isCentred: Bool) throws {
        let fitted = try Self.refit(Self.configuration(centred: isCentred), DepthWorld.log(count: 150, seed: 3))
        let later = DepthWorld.log(count: 200, seed: 4)
        var incremental = PolicyLearner(fitted.snapshot(version: 1))
        for row in later {
            var pending = row
            pending.reward = 0
            let isTaken = incremental.fold(pending)
            #expect(isTaken)
        }
        for row in later {
            incremental.correct(row.context, arm: row.arm, from: 0, to: row.reward, at: row.time, propensities: row.propensities)
        }
        var merged = PolicyLearner(fitted.snapshot(version: 1))
        var shard = PolicyLearner(emptied: fitted.base)
        for (index, row) in later.enumerated() { if index % 2 == 0 { merged.fold(row) } else { shard.fold(row) } }
        merged.merge(shard)
        let policies: [any Policy] = [
            incremental, SnapshotPolicy(incremental.snapshot(version: 2)), merged,
            SnapshotPolicy(try ServingSnapshot(serialised: merged.snapshot(version: 2).serialised())),
        ]
        for x in [-0.8, 0, 0.7] {
            let expected = policies[0].distribution(over: Self.all, in: ["x": .number(x)])
            for policy in policies.dropFirst() {
                let p = policy.distribution(over: Self.all, in: ["x": .number(x)])
                for arm in Self.all { #expect(abs(p[arm] - expected[arm]) < 1e-8) }
            }
        }
        #expect(incremental.drift < 1e-9)
        #expect(incremental.snapshot(version: 2).jointDefect(limit: 1e-6) == nil)
    }

    @Test(arguments: [false, true], [1e6, 1e-6]) func theRewardsUnitDoesNotMatter(isCentred: Bool, unit: Double) throws {
        let log = DepthWorld.log(count: 200, seed: 5)
        let scaled = log.map { row in
            var row = row
            row.reward *= unit
            return row
        }
        let a = SnapshotPolicy(try Self.refit(Self.configuration(centred: isCentred), log).snapshot(version: 1))
        let b = SnapshotPolicy(try Self.refit(Self.configuration(centred: isCentred), scaled).snapshot(version: 1))
        for x in [-1.0, 0.1, 0.9] {
            let (p, q) = (a.distribution(over: Self.all, in: ["x": .number(x)]), b.distribution(over: Self.all, in: ["x": .number(x)]))
            for arm in Self.all { #expect(abs(p[arm] - q[arm]) < 1e-9) }
        }
    }

    /// Demand smooth in the depth: with few impressions per arm the shared posterior earns more, in 100 logs of ten and of twenty impressions an arm. The difference
    /// is more than four standard errors.
    @Test(arguments: [70, 140]) func borrowingBeatsLearningApartWhereDemandIsSmooth(count: Int) throws {
        var differences: [Double] = []
        for seed in UInt64(10)..<110 {
            let log = DepthWorld.log(count: count, seed: seed)
            let shared = try Self.refit(Self.configuration(.greedy), log).snapshot(version: 1)
            let apart = try Self.refit(PolicyConfiguration(algorithm: .greedy, floor: 0.01), log).snapshot(version: 1)
            differences.append(DepthWorld.value(of: SnapshotPolicy(shared)) - DepthWorld.value(of: SnapshotPolicy(apart)))
        }
        let mean = differences.reduce(0, +) / 100
        let error = (differences.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / 99 / 100).squareRoot()
        #expect(mean > 4 * error, "shared earns \(mean) more, with a standard error of \(error)")
    }

    /// A depth that was never given: its neighbours say what to expect, and by how much less is known of it.
    @Test func anArmThatComesLaterInheritsFromItsNeighbours() throws {
        let played = [0, 1, 2, 4, 5, 6]
        var arms = DepthWorld.arms
        arms.remove(at: 3)
        let log = DepthWorld.log(count: 3000, seed: 6, noise: 0.2, played: played).map { row in
            var row = row
            row.propensities = played.map { row.propensities?[$0] ?? 0 }
            row.arm = played.firstIndex(of: row.arm) ?? 0
            return row
        }
        let configuration = Self.configuration()
        let fitted = try PolicyLearner.refit(DepthWorld.experiment(configuration, arms: arms), experimentVersion: 1, interactions: log)
        let snapshot = fitted.snapshot(version: 1)
        let wider = try #require(snapshot.adapted(to: DepthWorld.experiment(configuration), version: 2))
        let scores = ArmScores(wider)
        let before = ArmScores(snapshot)
        for x in [-0.5, 0, 0.5] {
            let context: Context = ["x": .number(x)]
            let (means, deviations) = scores(of: Self.all, in: context)
            // .1 of a range of .6: linear in x, where the truth bends.
            #expect(abs(means[3] - DepthWorld.expected(3, x)) < 0.15)
            #expect(deviations[3] > deviations[2] && deviations[3] > deviations[4])
            let old = before(of: Array(arms.indices), in: context).means
            for (index, arm) in played.enumerated() { #expect(abs(old[index] - means[arm]) < 0.02) }
        }
        // And an arm that goes takes nothing of the others with it.
        let narrower = try #require(wider.adapted(to: DepthWorld.experiment(configuration, arms: arms), version: 3))
        #expect(narrower.posterior == snapshot.posterior)
    }

    /// A Friday on which everybody buys and on which the allocation stood on the deepest arm: apart, and shared without centring, that arm looks best;
    /// centred, the arm that is best on every day does.
    @Test func blackFridayIsNotLearnedAsAnArmsEffect() throws {
        var generator = SeededGenerator(seed: 7)
        let log = (0..<4000).map { row in
            let isFriday = row >= 3000
            let propensities = isFriday ? [0.02, 0.02, 0.02, 0.02, 0.02, 0.02, 0.88] : [0.14, 0.14, 0.14, 0.16, 0.14, 0.14, 0.14]
            let arm = ArmDistribution(weights: propensities, floor: 0, eligible: Self.all).draw(generator.uniform())
            // The third depth is worth .3 more than the others, always; Friday adds 3 to all.
            let reward = (arm == 2 ? 0.3 : 0) + (isFriday ? 3 : 0) + 0.5 * generator.normal()
            return Interaction(
                time: Timestamp(seconds: Double(row)), context: ["x": .number(generator.normal())], arm: arm, propensity: propensities[arm],
                propensities: propensities, reward: reward)
        }
        func best(_ configuration: PolicyConfiguration) throws -> Int {
            let scores = ArmScores(try Self.refit(configuration, log).snapshot(version: 1))(of: Self.all, in: ["x": 0])
            return Self.all.max { scores.means[$0] < scores.means[$1] } ?? 0
        }
        #expect(try best(Self.configuration(centred: true)) == 2)
        #expect(try best(Self.configuration()) == 6)
        #expect(try best(PolicyConfiguration(algorithm: .linearThompson)) == 6)
    }

    @Test func aCentredPosteriorRefusesRowsWithoutPropensities() throws {
        var learner = try Self.refit(Self.configuration(centred: true), DepthWorld.log(count: 50, seed: 8))
        let isTaken = learner.fold(["x": 0], arm: 1, reward: 1)
        #expect(!isTaken)
        #expect(learner.refusedCount == 1)
        let before = learner.snapshot(version: 1)
        var arms = DepthWorld.arms
        arms.removeLast()
        // Its sums are of these arms only.
        #expect(before.adapted(to: DepthWorld.experiment(Self.configuration(centred: true), arms: arms), version: 2) == nil)
        #expect(before.adapted(to: DepthWorld.experiment(Self.configuration()), version: 2) == nil)
    }

    /// A conversion's score never falls with the depth, whatever the log says.
    @Test func monotoneDemandHoldsForEveryContext() throws {
        var generator = SeededGenerator(seed: 9)
        let log = (0..<300).map { row in
            let arm = Int(generator.uniform() * 7)
            // The deepest three convert less: a fluke, or a season.
            return Interaction(
                time: Timestamp(seconds: Double(row)), context: ["x": .number(generator.normal())], arm: arm, propensity: 1 / 7,
                reward: generator.uniform() < (arm > 3 ? 0.1 : 0.3) ? 1 : 0)
        }
        var configuration = Self.configuration()
        configuration.isMonotone = true
        let scores = ArmScores(try Self.refit(configuration, log).snapshot(version: 1))
        for x in [-2.0, 0, 2] {
            let means = scores(of: Self.all, in: ["x": .number(x)]).means
            for arm in 1..<7 { #expect(means[arm] >= means[arm - 1]) }
        }
    }
}
