import HaggleCore
import HaggleMath

/// How an algorithm turns the arms' scores into shares; the floor is added by `ArmDistribution`.
enum ExplorationRule: Sendable {
    /// One weight per arm of the experiment, whatever the context.
    case given([Double])
    case even
    /// Everything to the arm that a feature names; where it names no eligible arm, the given weights.
    case imitation(feature: String, arms: [ArmKey], otherwise: [Double])
    /// The largest mean, with a share spread evenly; ties share equally.
    case greedy(epsilon: Double)
    /// Proportional to exp(mean / temperature).
    case softmax(temperature: Double)
    /// Inverse gap weighting; nil is the schedule that grows with the data, which `fitted(to:)` fills in.
    case inverseGap(gamma: Double?)
    /// P(arm is best).
    case thompson
    /// The leader with probability beta, else the arm that Thompson sampling gives when it must give another.
    case topTwo(beta: Double)
    /// The largest mean plus `alpha` standard deviations; ties share equally.
    case upperBound(alpha: Double)
    /// P(arm is best) under Beta posteriors with these parameters, by arm; empty until `fitted(to:)`. `everyArm`: the shares where all are
    /// eligible.
    case bestBeta(alphas: [Double], betas: [Double], everyArm: [Double])

    init(_ configuration: PolicyConfiguration, arms: [ArmKey], controlIndex: Int) {
        switch configuration.algorithm {
        case .fixed: self = .given(Self.weights(configuration, arms, controlIndex))
        case .apprentice:
            let weights = Self.weights(configuration, arms, controlIndex)
            self = configuration.imitate.map { .imitation(feature: $0, arms: arms, otherwise: weights) } ?? .given(weights)
        case .uniform: self = .even
        case .greedy: self = .greedy(epsilon: 0)
        case .epsilonGreedy: self = .greedy(epsilon: configuration.epsilon)
        case .softmax: self = .softmax(temperature: configuration.temperature ?? Self.defaultTemperature)
        case .squareCB: self = .inverseGap(gamma: configuration.gamma)
        case .linearThompson, .neuralThompson: self = .thompson
        // What `auto` has chosen (`RepresentationChoice`) is the snapshot's representation; it explores by P(best).
        case .auto: self = .thompson
        case .topTwoThompson: self = .topTwo(beta: configuration.beta)
        case .linearUCB, .neuralUCB: self = .upperBound(alpha: configuration.alpha)
        case .bernoulliThompson: self = .bestBeta(alphas: [], betas: [], everyArm: [])
        case .ipw, .dr: preconditionFailure("\(configuration.algorithm.rawValue) is learned from a log and has no snapshot")
        }
    }

    /// In standardised units: an arm a tenth of a standard deviation worse gets e^-1 as much.
    static let defaultTemperature = 0.1

    private static func weights(_ configuration: PolicyConfiguration, _ arms: [ArmKey], _ controlIndex: Int) -> [Double] {
        var weights = arms.map { configuration.probabilities[$0] ?? 0 }
        if !weights.contains(where: { $0 > 0 }) { weights[controlIndex] = 1 }
        return weights
    }

    /// Whether the scores of phi are read.
    var needsScores: Bool {
        switch self {
        case .given, .even, .imitation, .bestBeta: false
        case .greedy, .softmax, .inverseGap, .thompson, .topTwo, .upperBound: true
        }
    }

    /// Whether its shares are those of draws from the posterior.
    var samples: Bool {
        switch self {
        case .thompson, .topTwo: true
        case .given, .even, .imitation, .bestBeta, .greedy, .softmax, .inverseGap, .upperBound: false
        }
    }

    var needsDeviations: Bool {
        switch self {
        case .given, .even, .imitation, .bestBeta, .greedy, .softmax, .inverseGap: false
        case .thompson, .topTwo, .upperBound: true
        }
    }

    /// The rule with what it takes from the posterior beside the scores.
    ///
    /// `square-cb` without `gamma` (Simchi-Levi & Xu 2020, FALCON+):
    ///
    ///     gamma = max(1, 1/2 sqrt(K / E))    E = q / n
    ///
    /// E = the excess risk of least squares with q coefficients after n impressions, in standardised units; n = the sum of their weights, so
    /// that forgetting explores again; K = arms. It is computed at every publication where the paper does so at the end of epochs.
    ///
    /// `bernoulli-thompson`: Beta(1 + s, 1 + n - s), s = sum of an arm's rewards, n = that of its weights, prior Beta(1, 1). Rewards outside
    /// 0...1 are refused where rows come in; should sums from another algorithm hold some, s is cut to 0...n.
    func fitted(to posterior: LinearPosterior, armCount: Int) -> Self {
        switch self {
        case .inverseGap(nil):
            var weight = 0.0
            for arm in posterior.arms { weight += arm.weight }
            let coefficientCount = Double(posterior.arms.count * posterior.dimension)
            return .inverseGap(gamma: max(1, 0.5 * (Double(armCount) * weight / coefficientCount).squareRoot()))
        case .bestBeta:
            var alphas: [Double] = []
            var betas: [Double] = []
            for arm in posterior.arms {
                let successes = min(max(0, arm.rewards), arm.weight)
                alphas.append(1 + successes)
                betas.append(1 + (arm.weight - successes))
            }
            return .bestBeta(
                alphas: alphas, betas: betas, everyArm: ProbabilityOfBestBeta.standard(alphas: alphas, betas: betas))
        case .given, .even, .imitation, .greedy, .softmax, .inverseGap, .thompson, .topTwo, .upperBound: return self
        }
    }

    /// Writes the distribution of a rule that reads no scores into the workspace.
    ///
    /// Where the given weights leave nothing to the eligible arms, control takes their place, and where it is not eligible either, the
    /// first eligible arm.
    func distribute(
        over eligible: [Int], in context: Context, floor: Double, armCount: Int, controlIndex: Int, workspace: inout ChoiceWorkspace
    ) {
        ChoiceWorkspace.resize(&workspace.weights, to: armCount)
        for arm in 0..<armCount { workspace.weights[arm] = 0 }
        switch self {
        case .given(let given): Self.take(given, over: eligible, controlIndex, into: &workspace.weights)
        case .imitation(let feature, let arms, let otherwise):
            if case .text(let name)? = context.values[feature], let arm = eligible.first(where: { arms[$0].rawValue == name }) {
                workspace.weights[arm] = 1
            } else {
                Self.take(otherwise, over: eligible, controlIndex, into: &workspace.weights)
            }
        case .bestBeta(let alphas, let betas, let everyArm):
            if eligible.count == armCount {
                for arm in eligible { workspace.weights[arm] = everyArm[arm] }
            } else {
                let shares = ProbabilityOfBestBeta.standard(alphas: eligible.map { alphas[$0] }, betas: eligible.map { betas[$0] })
                for (position, arm) in eligible.enumerated() { workspace.weights[arm] = shares[position] }
            }
        case .even, .greedy, .softmax, .inverseGap, .thompson, .topTwo, .upperBound:
            for arm in eligible { workspace.weights[arm] = 1 }
        }
        workspace.distribution.replace(weights: workspace.weights, floor: Self.bounded(floor, eligible.count), eligible: eligible)
    }

    private static func take(_ given: [Double], over eligible: [Int], _ controlIndex: Int, into weights: inout [Double]) {
        var hasAny = false
        for arm in eligible where given[arm] > 0 {
            weights[arm] = given[arm]
            hasAny = true
        }
        if !hasAny { weights[eligible.contains(controlIndex) ? controlIndex : eligible[0]] = 1 }
    }

    /// Writes the distribution of a rule that reads scores, which stand in the workspace, one per *eligible* arm, into the workspace.
    ///
    /// A score that is not a finite number says nothing about its arm; then no arm's is used and the eligible arms share equally.
    func distribute(over eligible: [Int], best: BestArm, floor: Double, armCount: Int, workspace: inout ChoiceWorkspace) {
        var isUsable = true
        for mean in workspace.means where !mean.isFinite { isUsable = false }
        for deviation in workspace.deviations where !(deviation.isFinite && deviation >= 0) { isUsable = false }
        if isUsable {
            share(best: best, workspace: &workspace)
        } else {
            ChoiceWorkspace.resize(&workspace.shares, to: eligible.count)
            for position in eligible.indices { workspace.shares[position] = 1 }
        }
        ChoiceWorkspace.resize(&workspace.weights, to: armCount)
        for arm in 0..<armCount { workspace.weights[arm] = 0 }
        for position in eligible.indices { workspace.weights[eligible[position]] = workspace.shares[position] }
        workspace.distribution.replace(weights: workspace.weights, floor: Self.bounded(floor, eligible.count), eligible: eligible)
    }

    /// A configuration is checked to keep floor times arms within 1; rounding may not.
    private static func bounded(_ floor: Double, _ count: Int) -> Double { min(max(0, floor), 1 / Double(count)) }
}
