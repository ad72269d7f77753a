/// The mapping under `policy:` of an experiment file, and a whole policy file.
package struct PolicyConfiguration: Hashable, Sendable, Codable {
    package enum Algorithm: String, Hashable, Sendable, Codable, CaseIterable {
        /// Probabilities given per arm (`probabilities`), or the control arm for certain.
        case fixed
        case uniform
        /// The best arm by estimated reward.
        case greedy
        /// Greedy, with `epsilon` spread evenly.
        case epsilonGreedy = "epsilon-greedy"
        case linearThompson = "linear-thompson"
        case linearUCB = "linear-ucb"
        case neuralThompson = "neural-thompson"
        case neuralUCB = "neural-ucb"
        /// Softmax-linear, chosen offline to maximise the self-normalised inverse propensity score over a log.
        case ipw
        /// Softmax-linear, chosen offline to maximise the doubly robust value over a log.
        case dr

        /// Whether the algorithm is learned from a whole log and neither explores nor learns while it serves: a policy to evaluate, never
        /// that of a running experiment.
        package var isLearnedOffline: Bool {
            switch self {
            case .ipw, .dr: true
            case .fixed, .uniform, .greedy, .epsilonGreedy, .linearThompson, .linearUCB, .neuralThompson, .neuralUCB: false
            }
        }

        /// What an experiment may run.
        package static let serving = allCases.filter { !$0.isLearnedOffline }
    }

    /// The reward model under the exploration rule.
    package struct Model: Hashable, Sendable, Codable {
        package enum Kind: String, Hashable, Sendable, Codable, CaseIterable { case linear, mlp }
        package enum Activation: String, Hashable, Sendable, Codable, CaseIterable { case relu, gelu, tanh }

        package var kind: Kind
        /// Widths of the hidden layers, input side first; empty for `linear`.
        package var hidden: [Int]
        package var activation: Activation
        package var learningRate: Double
        /// Decoupled weight decay per step, as a multiple of the learning rate.
        package var weightDecay: Double
        /// Rows per minibatch.
        package var batch: Int
        /// Most passes over the training rows.
        package var epochs: Int
        /// Passes without improvement on the newest slice before training stops.
        package var patience: Int

        package init(
            kind: Kind = .mlp, hidden: [Int] = [64, 32], activation: Activation = .relu, learningRate: Double = 0.002,
            weightDecay: Double = 0.0001, batch: Int = 256, epochs: Int = 30, patience: Int = 4
        ) {
            self.kind = kind
            self.hidden = kind == .linear ? [] : hidden
            self.activation = activation
            self.learningRate = learningRate
            self.weightDecay = weightDecay
            self.batch = batch
            self.epochs = epochs
            self.patience = patience
        }
    }

    /// When the network is fitted anew.
    package struct Retraining: Hashable, Sendable, Codable {
        package var everySeconds: Double
        /// No retraining before this many matured impressions.
        package var minimumImpressions: Int
        /// Only impressions of the last so many seconds train and enter the re-accumulated posterior.
        package var windowSeconds: Double

        package init(everySeconds: Double = 3600, minimumImpressions: Int = 2000, windowSeconds: Double = 90 * 86_400) {
            self.everySeconds = everySeconds
            self.minimumImpressions = minimumImpressions
            self.windowSeconds = windowSeconds
        }
    }

    package var algorithm: Algorithm
    /// Probabilities of `fixed`, by arm; empty means the control arm for certain.
    package var probabilities: [ArmKey: Double]
    /// Least probability of each eligible arm.
    package var floor: Double
    /// Width of the upper confidence bound in standard deviations.
    package var alpha: Double
    /// v^2, the noise variance of a standardised reward; nil means the plug-in estimate.
    package var variance: Double?
    /// Share of uniform exploration of `epsilon-greedy`.
    package var epsilon: Double
    /// What `ipw` and `dr` divide their scores by before the softmax; nil gives everything to the largest score.
    package var temperature: Double?
    /// Prior precision lambda of the posterior.
    package var ridge: Double
    /// Seconds between published increments of the posterior.
    package var publishSeconds: Double
    /// Seed of everything random in training.
    package var seed: UInt64
    package var model: Model
    package var retrain: Retraining

    package init(
        algorithm: Algorithm, probabilities: [ArmKey: Double] = [:], floor: Double = 0, alpha: Double = 1, variance: Double? = nil,
        epsilon: Double = 0.1, temperature: Double? = nil, ridge: Double = 1, publishSeconds: Double = 60, seed: UInt64 = 1,
        model: Model = Model(), retrain: Retraining = Retraining()
    ) {
        self.algorithm = algorithm
        self.probabilities = probabilities
        self.floor = floor
        self.alpha = alpha
        self.variance = variance
        self.epsilon = epsilon
        self.temperature = temperature
        self.ridge = ridge
        self.publishSeconds = publishSeconds
        self.seed = seed
        self.model = model
        self.retrain = retrain
    }
}
