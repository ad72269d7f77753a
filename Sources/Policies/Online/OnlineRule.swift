import HaggleCore
import HaggleMath

/// How an algorithm turns the scores of a stream's regressions into shares of the arms.
enum OnlineRule: Hashable, Sendable {
    case given([Double])
    /// The largest mean, with a share spread evenly; ties share equally.
    case greedy(epsilon: Double)
    /// Proportional to exp(mean / temperature).
    case softmax(temperature: Double)
    /// Inverse gap weighting (Foster & Rakhlin 2020); without gamma the schedule of Simchi-Levi & Xu (2020).
    case inverseGap(gamma: Double?)
    /// P(arm is best).
    case thompson
    /// The leader with probability beta, else another arm by P(best) (Russo 2020).
    case topTwo(beta: Double)
    /// The largest mean plus alpha standard deviations; ties share equally.
    case upperBound(alpha: Double)

    /// - Throws: `PoliciesError.notIncremental` for what is learned from a log as a whole.
    init(_ configuration: PolicyConfiguration, arms: [ArmKey]) throws(PoliciesError) {
        switch configuration.algorithm {
        case .uniform: self = .given([Double](repeating: 1, count: arms.count))
        case .fixed, .apprentice:
            var weights = arms.map { configuration.probabilities[$0] ?? 0 }
            if !weights.contains(where: { $0 > 0 }) { weights[0] = 1 }
            self = .given(weights)
        case .greedy: self = .greedy(epsilon: 0)
        case .epsilonGreedy: self = .greedy(epsilon: configuration.epsilon)
        case .softmax: self = .softmax(temperature: configuration.temperature ?? 0.1)
        case .squareCB: self = .inverseGap(gamma: configuration.gamma)
        case .linearThompson, .neuralThompson, .bernoulliThompson: self = .thompson
        case .topTwoThompson: self = .topTwo(beta: configuration.beta)
        case .linearUCB, .neuralUCB: self = .upperBound(alpha: configuration.alpha)
        case .auto: self = .upperBound(alpha: Self.automaticAlpha)
        case .ipw, .dr: throw .notIncremental(algorithm: configuration.algorithm.rawValue)
        }
    }

    /// Narrow: the regressions' standard deviations take the noise of all arms for that of each, and contexts explore by themselves
    /// (Bietti, Agarwal & Langford 2021 find the greediest of the optimistic rules best over hundreds of data sets).
    static let automaticAlpha = 0.3

    /// One share per arm, not normalised.
    /// - Parameters:
    ///   - means: estimated rewards.
    ///   - deviations: their standard deviations.
    ///   - scale: the standard deviation of the rewards, 0 where they have not differed yet.
    ///   - dimension: coefficients per arm; `count`: rows learned from. For the schedule of `inverseGap`.
    func shares(
        means: [Double], deviations: [Double], scale: Double, dimension: Int, count: Int, best: ProbabilityOfBest
    ) -> [Double] {
        guard means.allSatisfy(\.isFinite), deviations.allSatisfy(\.isFinite) else { return means.map { _ in 1 } }
        switch self {
        case .given(let weights): return weights
        case .greedy(let epsilon): return Self.leaders(means).map { (1 - epsilon) * $0 + epsilon / Double(means.count) }
        case .softmax(let temperature):
            guard scale > 0 else { return Self.leaders(means) }
            let top = means.reduce(-.infinity, max)
            return means.map { ElementaryFunctions.exp(($0 - top) / (temperature * scale)) }
        case .inverseGap(let given):
            guard scale > 0 else { return Self.leaders(means) }
            let gamma = given ?? max(1, 0.5 * (Double(count) / Double(dimension)).squareRoot())
            return Self.inverseGaps(means, gamma: gamma / scale)
        case .thompson: return best(means: means, deviations: deviations)
        case .topTwo(let beta): return Self.topTwo(best(means: means, deviations: deviations), beta: beta)
        case .upperBound(let alpha): return Self.leaders(zip(means, deviations).map { $0 + alpha * $1 })
        }
    }

    /// 1 shared equally by the largest scores.
    private static func leaders(_ scores: [Double]) -> [Double] {
        var shares = scores
        let top = scores.reduce(-.infinity, max)
        var count = 0.0
        for score in scores where score == top { count += 1 }
        for index in shares.indices { shares[index] = shares[index] == top ? 1 / count : 0 }
        return shares
    }

    /// `1 / (K + gamma gap)` for each arm but the first leader, who gets the rest.
    private static func inverseGaps(_ means: [Double], gamma: Double) -> [Double] {
        var leader = 0
        for arm in means.indices where means[arm] > means[leader] { leader = arm }
        var shares = means.map { 1 / (Double(means.count) + gamma * (means[leader] - $0)) }
        shares[leader] = 0
        shares[leader] = 1 - shares.reduce(0, +)
        return shares
    }

    /// `p_a (beta + (1 - beta) sum_{b != a} p_b / (1 - p_b))`; a leader who is certain keeps everything.
    private static func topTwo(_ shares: [Double], beta: Double) -> [Double] {
        shares.indices.map { arm in
            var second = 0.0
            for other in shares.indices where other != arm && shares[other] < 1 { second += shares[other] / (1 - shares[other]) }
            return shares[arm] * (beta + (1 - beta) * (shares[arm] < 1 ? second : 1))
        }
    }
}
