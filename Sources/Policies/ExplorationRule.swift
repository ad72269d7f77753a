import HaggleCore

/// How an algorithm turns the arms' scores into weights; the floor is added by `ArmDistribution`.
enum ExplorationRule: Hashable, Sendable {
    /// One weight per arm of the experiment, whatever the context.
    case given([Double])
    case even
    /// The largest mean, with a share spread evenly; ties share equally.
    case greedy(epsilon: Double)
    /// P(arm is best).
    case thompson
    /// The largest mean plus `alpha` standard deviations; ties share equally.
    case upperBound(alpha: Double)

    init(_ configuration: PolicyConfiguration, arms: [ArmKey], controlIndex: Int) {
        switch configuration.algorithm {
        case .fixed:
            var weights = arms.map { configuration.probabilities[$0] ?? 0 }
            if !weights.contains(where: { $0 > 0 }) { weights[controlIndex] = 1 }
            self = .given(weights)
        case .uniform: self = .even
        case .greedy: self = .greedy(epsilon: 0)
        case .epsilonGreedy: self = .greedy(epsilon: configuration.epsilon)
        case .linearThompson, .neuralThompson: self = .thompson
        case .linearUCB, .neuralUCB: self = .upperBound(alpha: configuration.alpha)
        case .softmax, .squareCB, .bernoulliThompson, .topTwoThompson, .apprentice, .auto, .ipw, .dr:
            preconditionFailure("\(configuration.algorithm.rawValue) is learned from a log and has no snapshot")
        }
    }

    var needsScores: Bool {
        switch self {
        case .given, .even: false
        case .greedy, .thompson, .upperBound: true
        }
    }

    var needsDeviations: Bool {
        switch self {
        case .given, .even, .greedy: false
        case .thompson, .upperBound: true
        }
    }

    /// The distribution of a rule that reads no scores.
    ///
    /// Where the given weights leave nothing to the eligible arms, control takes their place, and where it is not eligible either, the
    /// first eligible arm.
    func distribution(over eligible: [Int], floor: Double, armCount: Int, controlIndex: Int) -> ArmDistribution {
        var weights = [Double](repeating: 1, count: armCount)
        if case .given(let given) = self {
            weights = given
            if !eligible.contains(where: { given[$0] > 0 }) {
                weights = [Double](repeating: 0, count: armCount)
                weights[eligible.contains(controlIndex) ? controlIndex : eligible[0]] = 1
            }
        }
        return ArmDistribution(weights: weights, floor: Self.bounded(floor, eligible.count), eligible: eligible)
    }

    /// The distribution of a rule that reads scores.
    ///
    /// A score that is not a finite number says nothing about its arm; then no arm's is used and the eligible arms share equally.
    /// - Parameter means: one per *eligible* arm, as `deviations` (empty where the rule reads none).
    func distribution(
        over eligible: [Int], means: [Double], deviations: [Double], best: ProbabilityOfBest, floor: Double, armCount: Int
    ) -> ArmDistribution {
        let floor = Self.bounded(floor, eligible.count)
        guard means.allSatisfy(\.isFinite), deviations.allSatisfy({ $0.isFinite && $0 >= 0 }) else {
            return ArmDistribution(weights: [Double](repeating: 1, count: armCount), floor: floor, eligible: eligible)
        }
        let shares: [Double]
        switch self {
        case .given, .even: shares = [Double](repeating: 1, count: eligible.count)
        case .greedy(let epsilon):
            let leaders = Self.leaders(means)
            shares = leaders.map { (1 - epsilon) * $0 + epsilon / Double(eligible.count) }
        case .thompson: shares = best(means: means, deviations: deviations)
        case .upperBound(let alpha): shares = Self.leaders(zip(means, deviations).map { $0 + alpha * $1 })
        }
        var weights = [Double](repeating: 0, count: armCount)
        for (position, arm) in eligible.enumerated() { weights[arm] = shares[position] }
        return ArmDistribution(weights: weights, floor: floor, eligible: eligible)
    }

    /// 1 shared equally by the largest scores.
    private static func leaders(_ scores: [Double]) -> [Double] {
        var top = -Double.infinity
        for score in scores { top = max(top, score) }
        var count = 0.0
        for score in scores where score == top { count += 1 }
        return scores.map { $0 == top ? 1 / count : 0 }
    }

    /// A configuration is checked to keep floor times arms within 1; rounding may not.
    private static func bounded(_ floor: Double, _ count: Int) -> Double { min(max(0, floor), 1 / Double(count)) }
}
