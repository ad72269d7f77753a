import HaggleCore
import HaggleMath
import TestSupport
import Testing

@testable import Policies

@Suite struct OfflinePolicyTests {
    static func learned(
        _ configuration: PolicyConfiguration, _ world: World = .linear, rows: [Interaction]? = nil
    ) throws -> any Policy {
        try trainedPolicy(
            configuration: configuration, schema: world.schema, arms: world.arms, on: rows ?? logged(world))
    }

    /// Logged by a policy that leans on the wrong arm: .6, .3, .1.
    static func logged(_ world: World, count: Int = 3000, seed: UInt64 = 51) -> [Interaction] {
        world.log(count: count, seed: seed, policy: FixedPolicy(probabilities: [0.6, 0.3, 0.1]))
    }

    /// Better than what logged, than every arm for all, and near the best arm in every context.
    @Test(arguments: [PolicyConfiguration.Algorithm.ipw, .dr])
    func theLearnedPolicyIsNearTheOptimum(algorithm: PolicyConfiguration.Algorithm) throws {
        let world = World.linear
        let (value, best) = world.value(of: try Self.learned(PolicyConfiguration(algorithm: algorithm)))
        let logging = world.value(of: FixedPolicy(probabilities: [0.6, 0.3, 0.1])).policy
        let constant = (0..<3).map { world.value(of: FixedPolicy(arm: $0, armCount: 3)).policy }.max() ?? 0
        // The best arm everywhere earns about .55 more than the best constant arm; 300 rows of the rarest arm leave an error of some per cent.
        #expect(value > constant + 0.8 * (best - constant))
        #expect(value > logging + 0.8 * (best - logging))
    }

    /// Few rows of the rare arm: the doubly robust objective is less noisy, so over logs it learns more.
    @Test func theRewardModelHelpsSmallLogs() throws {
        let world = World.linear
        var values = [0.0, 0.0]
        for seed in 0..<12 {
            let rows = Self.logged(world, count: 300, seed: UInt64(900 + seed))
            for (index, algorithm) in [PolicyConfiguration.Algorithm.ipw, .dr].enumerated() {
                values[index] += world.value(of: try Self.learned(PolicyConfiguration(algorithm: algorithm), rows: rows)).policy / 12
            }
        }
        #expect(values[1] > values[0])
    }

    @Test func aNetworkMayStandBehindDR() throws {
        let world = World.linear
        let model = PolicyConfiguration.Model(hidden: [16], learningRate: 0.01, batch: 64, epochs: 10)
        let (value, best) = world.value(of: try Self.learned(PolicyConfiguration(algorithm: .dr, model: model)))
        #expect(value > 0.75 * best)
    }

    /// Central differences of the objective, at a point that is no optimum, with eligible arms that differ between rows.
    @Test(arguments: [false, true])
    func theGradientIsTheDerivative(isDoublyRobust: Bool) throws {
        let world = World.linear
        var log = Self.logged(world, count: 60)
        for row in log.indices where row % 3 == 0 { log[row].eligible = Array(Set([0, log[row].arm])).sorted() }
        let rows = try EncodedRows(log, schema: world.schema, armCount: 3)
        let estimates = isDoublyRobust ? (0..<180).map { 0.1 * Double($0 % 7) } : nil
        let objective = OfflineObjective(rows, log, isSupported: [true, true, true], estimates: estimates, ridge: 2)
        var generator = SeededGenerator(seed: 4)
        let theta = (0..<objective.parameterCount).map { _ in 0.5 * generator.normal() }
        var gradient = [Double](repeating: 0, count: theta.count)
        var other = gradient
        _ = objective(theta, &gradient)
        for index in theta.indices {
            var (above, below) = (theta, theta)
            above[index] += 1e-5
            below[index] -= 1e-5
            let difference = (objective(above, &other) - objective(below, &other)) / 2e-5
            // Rounding of the values over 2e-5, and the third derivative times 1e-10.
            #expect(abs(difference - gradient[index]) < 1e-8)
        }
    }

    /// The objectives at theta = 0, where the policy is even: by hand from the rows.
    @Test func theObjectivesAreTheEstimates() throws {
        let world = World.linear
        let log = Self.logged(world, count: 40)
        let rows = try EncodedRows(log, schema: world.schema, armCount: 3)
        let mean = log.reduce(0) { $0 + $1.reward } / 40
        let deviation = (log.reduce(0) { $0 + ($1.reward - mean) * ($1.reward - mean) } / 40).squareRoot()
        let zero = [Double](repeating: 0, count: 3 * (rows.width + 1))
        var gradient = zero
        let ipw = OfflineObjective(rows, log, isSupported: [true, true, true], estimates: nil, ridge: 1)(zero, &gradient)
        var (weighted, weights, robust) = (0.0, 0.0, 0.0)
        for row in log {
            let weight = 1 / 3.0 / (row.propensity ?? 0)
            weighted += weight * row.reward
            weights += weight
            robust += 0.7 + weight * (row.reward - 0.7)
        }
        #expect(abs(ipw + (weighted / weights - mean) / deviation) < 1e-12)
        let estimates = [Double](repeating: 0.7, count: 120)
        let dr = OfflineObjective(rows, log, isSupported: [true, true, true], estimates: estimates, ridge: 1)(zero, &gradient)
        #expect(abs(dr + (robust / 40 - mean) / deviation) < 1e-12)
    }

    /// Scores divided by the temperature, plus the floor; colder is nearer to the largest score.
    @Test func temperatureAndFloorShapeTheChoice() throws {
        let context = World.context(x: 1.5, z: 0)
        func p(_ temperature: Double?, floor: Double) throws -> [Double] {
            try Self.learned(PolicyConfiguration(algorithm: .dr, floor: floor, temperature: temperature))
                .distribution(over: [0, 1, 2], in: context).probabilities
        }
        #expect(try p(nil, floor: 0) == [0, 1, 0])
        #expect(zip(try p(nil, floor: 0.05), [0.05, 0.9, 0.05]).allSatisfy { abs($0 - $1) < 1e-15 })
        let (warm, cold) = (try p(2, floor: 0), try p(1, floor: 0))
        #expect(cold[1] > warm[1] && warm[1] > 1.0 / 3 && cold[1] < 1)
        // Odds at temperature 1 are the squares of those at 2.
        #expect(abs(cold[1] / cold[0] - (warm[1] / warm[0]) * (warm[1] / warm[0])) < 1e-9 * cold[1] / cold[0])
        // Hot enough, every arm is alike, and floor 1/3 leaves no choice.
        #expect(try p(1e9, floor: 0).allSatisfy { abs($0 - 1 / 3.0) < 1e-6 })
        #expect(try p(nil, floor: 1 / 3.0).allSatisfy { abs($0 - 1 / 3.0) < 1e-12 })
    }

    @Test(arguments: [PolicyConfiguration.Algorithm.ipw, .dr], [nil, 0.5])
    func learnedPoliciesConform(algorithm: PolicyConfiguration.Algorithm, temperature: Double?) throws {
        let policy = try Self.learned(PolicyConfiguration(algorithm: algorithm, floor: 0.03, temperature: temperature))
        #expect(policyViolations(policy, floor: 0.03, contexts: World.oddContexts) == [])
    }

    /// Nothing is known of it; the floor still gives it a share.
    @Test(arguments: [PolicyConfiguration.Algorithm.ipw, .dr])
    func anArmWithoutRowsIsNotChosen(algorithm: PolicyConfiguration.Algorithm) throws {
        let world = World.linear
        let rows = world.log(count: 600, seed: 5, policy: FixedPolicy(probabilities: [0.5, 0.5, 0]))
        let policy = try Self.learned(PolicyConfiguration(algorithm: algorithm, floor: 0.01), rows: rows)
        for x in [-2.0, 0, 2] { #expect(policy.distribution(over: [0, 1, 2], in: World.context(x: x, z: 2))[2] == 0.01) }
        #expect(policy.distribution(over: [2], in: [:]).probabilities == [0, 0, 1])
    }

    /// Rewards in cents, or with a constant added, teach the same.
    @Test(arguments: [PolicyConfiguration.Algorithm.ipw, .dr])
    func theRewardsUnitDoesNotMatter(algorithm: PolicyConfiguration.Algorithm) throws {
        let configuration = PolicyConfiguration(algorithm: algorithm, temperature: 1)
        let rows = Self.logged(.linear, count: 500)
        let other = rows.map { row in
            var row = row
            row.reward = 100 * row.reward + 1000
            return row
        }
        let (plain, scaled) = (try Self.learned(configuration, rows: rows), try Self.learned(configuration, rows: other))
        for context in World.oddContexts {
            let (p, q) = (plain.distribution(over: [0, 1, 2], in: context), scaled.distribution(over: [0, 1, 2], in: context))
            // Both stop where no element of the gradient is above 1e-6.
            for arm in 0..<3 { #expect(abs(p[arm] - q[arm]) < 0.01) }
        }
    }

    @Test(arguments: [PolicyConfiguration.Algorithm.ipw, .dr])
    func rowsThatCannotTeachAreErrors(algorithm: PolicyConfiguration.Algorithm) {
        let configuration = PolicyConfiguration(algorithm: algorithm)
        var rows = Self.logged(.linear, count: 20)
        #expect(throws: PoliciesError.noRows(what: algorithm.rawValue)) { try Self.learned(configuration, rows: []) }
        for bad in [nil, 0, -0.1, 1.5, Double.nan] {
            rows[4].propensity = bad
            #expect(throws: PoliciesError.propensityMissing(row: 4, algorithm: algorithm.rawValue)) {
                try Self.learned(configuration, rows: rows)
            }
        }
        rows[4].propensity = 0.5
        rows[4].eligible = [(rows[4].arm + 1) % 3]
        #expect(throws: PoliciesError.armNotEligible(row: 4, arm: rows[4].arm)) { try Self.learned(configuration, rows: rows) }
    }

    /// They have no posterior to go on from.
    @Test(arguments: [PolicyConfiguration.Algorithm.ipw, .dr])
    func noExperimentCanRunThem(algorithm: PolicyConfiguration.Algorithm) {
        #expect(throws: PoliciesError.notIncremental(algorithm: algorithm.rawValue)) {
            try PolicyLearner.refit(
                World.linear.experiment(PolicyConfiguration(algorithm: algorithm)), experimentVersion: 1, interactions: [])
        }
    }
}
