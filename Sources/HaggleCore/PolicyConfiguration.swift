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
        /// Shares proportional to exp(mean / `temperature`).
        case softmax
        /// Inverse gap weighting with `gamma` (Foster & Rakhlin 2020).
        case squareCB = "square-cb"
        /// P(best) under a Beta posterior per arm, whatever the context; for the metric `conversion`.
        case bernoulliThompson = "bernoulli-thompson"
        /// Thompson sampling between the best and the second best arm: to find the best arm, not to earn (Russo 2020).
        case topTwoThompson = "top-two-thompson"
        /// Gives what the shop's own rule gives (`imitate`, else `probabilities`, else control) and learns the reward model meanwhile.
        case apprentice
        /// Chooses representation and exploration from the stream itself.
        case auto
        /// Softmax-linear, chosen offline to maximise the self-normalised inverse propensity score over a log.
        case ipw
        /// Softmax-linear, chosen offline to maximise the doubly robust value over a log.
        case dr

        /// Whether the algorithm is learned from a whole log and neither explores nor learns while it serves: a policy to evaluate, never
        /// that of a running experiment.
        package var isLearnedOffline: Bool {
            switch self {
            case .ipw, .dr: true
            case .fixed, .uniform, .greedy, .epsilonGreedy, .linearThompson, .linearUCB, .neuralThompson, .neuralUCB, .softmax, .squareCB,
                .bernoulliThompson, .topTwoThompson, .apprentice, .auto:
                false
            }
        }

        /// What an experiment may run.
        package static let serving = allCases.filter { !$0.isLearnedOffline }
    }

    /// What the posterior is over.
    package enum Posterior: String, Hashable, Sendable, Codable, CaseIterable {
        /// One regression per arm.
        case disjoint
        /// One regression for all arms, with the discount depth among its features: an arm borrows from its neighbours.
        case shared
    }

    /// Discounting of old impressions: one of an age of `n` whole periods has weight `factor^n`.
    package struct Forgetting: Hashable, Sendable, Codable {
        /// gamma, in 0..<1.
        package var factor: Double
        package var periodSeconds: Double

        package init(factor: Double, periodSeconds: Double = 86_400) {
            self.factor = factor
            self.periodSeconds = periodSeconds
        }
    }

    /// The reward model under the exploration rule.
    package struct Model: Hashable, Sendable, Codable {
        package enum Kind: String, Hashable, Sendable, Codable, CaseIterable {
            case linear
            case mlp
            /// One-dimensional convolutions over the `sequence` features, beside the rest.
            case cnn
            /// A gated recurrent unit over the `sequence` features, beside the rest.
            case gru
        }
        package enum Activation: String, Hashable, Sendable, Codable, CaseIterable { case relu, gelu, tanh }

        /// What training minimises.
        package enum Loss: String, Hashable, Sendable, Codable, CaseIterable {
            case squared
            /// Cross-entropy of a conversion.
            case bernoulli
            /// P(convert) by cross-entropy and E[value | convert] by squared error: for margin and revenue.
            case twoPart = "two-part"
            /// Squared near 0, absolute beyond one standard deviation of the reward.
            case huber
        }

        /// How the step size changes over the passes.
        package enum Schedule: String, Hashable, Sendable, Codable, CaseIterable {
            case constant
            /// Falls to 0 along half a cosine over the passes allowed.
            case cosine
            /// Rises over the first tenth of the steps, then falls as `cosine`.
            case warmup
        }

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
        package var loss: Loss
        /// Share of the hidden activations that a training step leaves out, in 0..<1.
        package var dropout: Double
        package var schedule: Schedule
        /// Largest Euclidean norm of a step's gradient; nil leaves it as it is.
        package var clip: Double?
        /// Whether hidden layers are normalised.
        package var layerNorm: Bool
        /// Whether hidden layers of equal width add their input.
        package var residual: Bool
        /// Width of the sequence encoder: channels of a `cnn`, state of a `gru`.
        package var units: Int
        /// Events that one convolution of a `cnn` looks at.
        package var kernel: Int

        package init(
            kind: Kind = .mlp, hidden: [Int] = [64, 32], activation: Activation = .relu, learningRate: Double = 0.002,
            weightDecay: Double = 0.0001, batch: Int = 256, epochs: Int = 30, patience: Int = 4, loss: Loss = .squared,
            dropout: Double = 0, schedule: Schedule = .constant, clip: Double? = nil, layerNorm: Bool = false, residual: Bool = false,
            units: Int = 16, kernel: Int = 3
        ) {
            self.kind = kind
            self.hidden = kind == .linear ? [] : hidden
            self.activation = activation
            self.learningRate = learningRate
            self.weightDecay = weightDecay
            self.batch = batch
            self.epochs = epochs
            self.patience = patience
            self.loss = loss
            self.dropout = dropout
            self.schedule = schedule
            self.clip = clip
            self.layerNorm = layerNorm
            self.residual = residual
            self.units = units
            self.kernel = kernel
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
    /// What `softmax`, `ipw` and `dr` divide their scores by before the softmax; nil is 0.1 (in standardised units) for `softmax` and gives
    /// everything to the largest score of the others.
    package var temperature: Double?
    /// Learning rate of `square-cb`, in standardised units: the larger, the greedier; nil lets it grow with the data.
    package var gamma: Double?
    /// Probability of the leader under `top-two-thompson`, in 0...1.
    package var beta: Double
    /// The feature whose value names the arm that the shop's own rule would give, for `apprentice`.
    package var imitate: String?
    package var posterior: Posterior
    /// Whether a deeper discount never predicts less conversion; only with `posterior: shared`.
    package var isMonotone: Bool
    /// Whether what all arms share at a time (a busy Friday) is kept out of what the arms differ by; only with `posterior: shared`.
    package var isCentred: Bool
    /// Nil keeps every impression at full weight.
    package var forget: Forgetting?
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
        epsilon: Double = 0.1, temperature: Double? = nil, gamma: Double? = nil, beta: Double = 0.5, imitate: String? = nil,
        posterior: Posterior = .disjoint, isMonotone: Bool = false, isCentred: Bool = false, forget: Forgetting? = nil, ridge: Double = 1,
        publishSeconds: Double = 60, seed: UInt64 = 1, model: Model = Model(), retrain: Retraining = Retraining()
    ) {
        self.algorithm = algorithm
        self.probabilities = probabilities
        self.floor = floor
        self.alpha = alpha
        self.variance = variance
        self.epsilon = epsilon
        self.temperature = temperature
        self.gamma = gamma
        self.beta = beta
        self.imitate = imitate
        self.posterior = posterior
        self.isMonotone = isMonotone
        self.isCentred = isCentred
        self.forget = forget
        self.ridge = ridge
        self.publishSeconds = publishSeconds
        self.seed = seed
        self.model = model
        self.retrain = retrain
    }
}
