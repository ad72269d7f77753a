import HaggleCore
import HaggleMath
import Policies
import Testing

@Suite struct BernoulliThompsonTests {
    /// P(X_b > X_a) for whole alpha_b, exactly: sum over i < alpha_b of B(alpha_a + i, beta_a + beta_b) / ((beta_b + i) B(1 + i, beta_b)
    /// B(alpha_a, beta_a)).
    static func second(_ a: (Double, Double), _ b: (Double, Double)) -> Double {
        var sum = 0.0
        for i in 0..<Int(b.0) {
            let i = Double(i)
            let logarithm =
                GammaFunctions.logBeta(a.0 + i, a.1 + b.1) - GammaFunctions.logBeta(1 + i, b.1) - GammaFunctions.logBeta(a.0, a.1)
            sum += ElementaryFunctions.exp(logarithm) / (b.1 + i)
        }
        return sum
    }

    /// A policy whose arms had so many successes and failures.
    static func policy(_ counts: [(Int, Int)], floor: Double = 0) -> SnapshotPolicy {
        let sums = counts.map { successes, failures in
            RegressionSums(
                gram: SymmetricMatrix(dimension: 1, packed: [Double(successes + failures)])!, moment: [Double(successes)],
                squares: Double(successes), weight: Double(successes + failures))!
        }
        let snapshot = SnapshotPolicyTests.contextFree(
            PolicyConfiguration(algorithm: .bernoulliThompson, floor: floor), rewards: counts.map { _ in [] })
        return SnapshotPolicy(
            ServingSnapshot(
                experiment: "beta", version: 1, experimentVersion: 1, arms: snapshot.arms, controlIndex: 0,
                configuration: snapshot.configuration, representation: snapshot.representation,
                posterior: LinearPosterior(ridge: 1, arms: sums)))
    }

    @Test(
        arguments: [(0, 0), (1, 0), (3, 7), (30, 970), (500, 500), (20, 199_980), (60_000, 40_000)],
        [(0, 0), (0, 1), (4, 6), (45, 955), (480, 520), (35, 199_965), (3, 0)])
    func twoArmsMatchTheClosedForm(first: (Int, Int), other: (Int, Int)) {
        let exact = Self.second((1 + Double(first.0), 1 + Double(first.1)), (1 + Double(other.0), 1 + Double(other.1)))
        let p = Self.policy([first, other]).distribution(over: [0, 1], in: [:])
        // The closed form itself sums up to 500 terms with errors of some 1e-15 times the size of its logarithms.
        #expect(abs(p[1] - exact) < 2e-9)
    }

    /// Independent uniforms: the k-th of K with (1, 1) and one Beta(n + 1, 1), whose maximum is x^n: P(it is best) = (n + 1) / (n + K).
    @Test(arguments: [1, 3, 50, 2000], [2, 5, 50])
    func severalArmsMatchTheClosedForm(successes: Int, armCount: Int) {
        let policy = Self.policy([(successes, 0)] + [(Int, Int)](repeating: (0, 0), count: armCount - 1))
        let p = policy.distribution(over: Array(0..<armCount), in: [:])
        #expect(abs(p[0] - Double(successes + 1) / Double(successes + armCount)) < 1e-9)
        for arm in 2..<max(2, armCount) { #expect(p[arm] == p[1]) }
    }

    /// Against Simpson's rule in x with the incomplete beta function: no node, no scale and no cut in common. Error of the rule below 1e-9.
    @Test func fiveArmsMatchAnotherQuadrature() {
        let counts = [(3, 9), (10, 30), (0, 4), (25, 60), (2, 2)]
        let parameters = counts.map { (1 + Double($0.0), 1 + Double($0.1)) }
        let steps = 4000
        var sums = [Double](repeating: 0, count: 5)
        for step in 0...steps {
            let x = Double(step) / Double(steps)
            let weight = (step == 0 || step == steps ? 1.0 : step % 2 == 1 ? 4 : 2) / Double(3 * steps)
            for a in 0..<5 {
                let (alpha, beta) = parameters[a]
                var value = 0.0
                if x > 0 && x < 1 {
                    let logs = (alpha - 1) * ElementaryFunctions.log(x) + (beta - 1) * ElementaryFunctions.log(1 - x)
                    value = ElementaryFunctions.exp(logs - GammaFunctions.logBeta(alpha, beta))
                } else if x == 0 && alpha == 1 {
                    value = beta
                }
                for b in 0..<5 where b != a {
                    value *= IncompleteBeta.regularised(x: x, complement: 1 - x, a: parameters[b].0, b: parameters[b].1)
                }
                sums[a] += weight * value
            }
        }
        let p = Self.policy(counts).distribution(over: Array(0..<5), in: [:])
        for arm in 0..<5 { #expect(abs(p[arm] - sums[arm]) < 1e-8) }
        // A subset is a new computation, with the same rule.
        let pair = Self.policy(counts).distribution(over: [0, 3], in: [:])
        #expect(abs(pair[3] - Self.second(parameters[0], parameters[3])) < 1e-9)
    }

    @Test func hugeCountsGiveADistribution() {
        let p = Self.policy([(50_000_000, 50_000_000), (50_003_000, 49_997_000), (0, 0)]).distribution(over: [0, 1, 2], in: [:])
        // Normal limit: sd of the difference 1/2 sqrt(2e-8), gap 3e-5, so Phi(.424); the untried arm wins half of the time.
        let spread = (2 * 0.25 / 1e8).squareRoot()
        let ratio = p[1] / (p[0] + p[1])
        #expect(abs(ratio - NormalDistribution.cumulative(3e-5 / spread)) < 1e-4)
        #expect(abs(p[2] - 0.49997) < 1e-4)
    }

    /// What is no share of successes is refused when it comes in.
    @Test func rewardsOutsideZeroToOneAreRefused() throws {
        let experiment = World.linear.experiment(PolicyConfiguration(algorithm: .bernoulliThompson))
        var learner = PolicyLearner(.initial(experiment: experiment, experimentVersion: 1))
        let answers = [
            learner.fold([:], arm: 0, reward: 1), learner.fold([:], arm: 0, reward: 1.5), learner.fold([:], arm: 0, reward: -0.1),
            learner.correct([:], arm: 0, from: 1, to: 2), learner.correct([:], arm: 0, from: 1, to: 0),
        ]
        #expect(answers == [true, false, false, false, true])
        #expect(learner.refusedCount == 3)
        let row = Interaction(arm: 0, propensity: 0.5, reward: 12)
        #expect(throws: PoliciesError.rewardNotShare(row: 0)) {
            try PolicyLearner.refit(experiment, experimentVersion: 1, interactions: [row])
        }
    }
}
