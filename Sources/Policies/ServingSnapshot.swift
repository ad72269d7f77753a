package import Features
package import HaggleCore
import HaggleMath
package import NeuralNetwork

/// What serves: encoder, network, posterior and exploration settings of one experiment, and the experiment version that they fit.
///
/// A value. `SnapshotPolicy` makes a policy of it, `PolicyLearner` folds into it, `serialised()` stores it.
package struct ServingSnapshot: Hashable, Sendable {
    package var experiment: ExperimentKey
    package var version: SnapshotVersion
    package var experimentVersion: ExperimentVersion
    /// In configuration order.
    package let arms: [ArmKey]
    /// Position of the control arm.
    package let controlIndex: Int
    package let configuration: PolicyConfiguration
    package let representation: Representation
    package let posterior: LinearPosterior
    /// The discount depth of every arm, nil for one without: what `posterior: shared` learns along.
    package let depths: [Double?]
    /// What the posterior is over, from settings and depths.
    let design: PosteriorDesign

    /// - Precondition: at least one arm, `controlIndex` among them, and a posterior with as many arms and as many dimensions as phi.
    package init(
        experiment: ExperimentKey, version: SnapshotVersion, experimentVersion: ExperimentVersion, arms: [ArmKey], controlIndex: Int,
        configuration: PolicyConfiguration, representation: Representation, posterior: LinearPosterior, depths: [Double?]? = nil
    ) {
        precondition(arms.indices.contains(controlIndex), "the control arm must be one of the arms")
        let depths = depths ?? [Double?](repeating: nil, count: arms.count)
        let design = PosteriorDesign(configuration, depths: depths)
        precondition(
            depths.count == arms.count
                && Self.fits(posterior, design: design, armCount: arms.count, phiLength: representation.dimension),
            "posterior, arms and representation must fit together")
        self.experiment = experiment
        self.version = version
        self.experimentVersion = experimentVersion
        self.arms = arms
        self.controlIndex = controlIndex
        self.configuration = configuration
        self.representation = representation
        self.posterior = posterior
        self.depths = depths
        self.design = design
    }

    static func fits(_ posterior: LinearPosterior, design: PosteriorDesign, armCount: Int, phiLength: Int) -> Bool {
        posterior.arms.count == design.blockCount(armCount: armCount) && posterior.dimension == design.dimension(ofPhi: phiLength)
    }

    package var encoder: FeatureEncoder { representation.encoder }
    /// Nil before the first retrain and for linear models.
    package var network: MultilayerPerceptron? { representation.network }
    /// The standardisation of rewards that the posterior's sums imply.
    package var rewardScale: RewardScale { posterior.rewardScale }

    /// Version 1, the even prior: no data, and no context until the first retrain, so that every algorithm that learns shares equally.
    ///
    /// An A/B experiment gets the fixed policy of its arms' weights.
    package static func initial(experiment: Experiment, experimentVersion: ExperimentVersion) -> ServingSnapshot {
        let configuration = PolicyConfiguration(servingFor: experiment)
        let representation = Representation(untrained: experiment.context)
        return ServingSnapshot(
            experiment: experiment.key, version: 1, experimentVersion: experimentVersion, arms: experiment.arms.map(\.key),
            controlIndex: experiment.controlIndex, configuration: configuration, representation: representation,
            posterior: PosteriorDesign(configuration, arms: experiment.arms).prior(
                phiLength: representation.dimension, armCount: experiment.arms.count, ridge: configuration.ridge),
            depths: experiment.arms.map(\.discount))
    }

    /// The snapshot that fits a changed experiment, or nil where it must start anew because a feature changed its type.
    ///
    /// By key: a new arm starts at the prior, under `posterior: shared` at what its neighbours in depth say; a removed arm goes. A `centred`
    /// posterior has its arms in one block of sums: nil where they changed. A new feature is ignored and a removed one counts as missing until the
    /// next retrain. Exploration settings and prior precision are the new experiment's at once, the model after the next retrain. The
    /// snapshot's own version stays; whoever publishes sets it.
    package func adapted(to experiment: Experiment, version experimentVersion: ExperimentVersion) -> ServingSnapshot? {
        for feature in experiment.context.features {
            if let fitted = representation.schema[feature.name], fitted.kind.valueType != feature.kind.valueType { return nil }
        }
        let configuration = PolicyConfiguration(servingFor: experiment)
        let design = PosteriorDesign(configuration, arms: experiment.arms)
        let sums: [RegressionSums]
        if design.isCentred || self.design.isCentred {
            // One block for all arms: its regressors are of these arms and no others.
            guard design == self.design, arms == experiment.arms.map(\.key) else { return nil }
            sums = posterior.arms
        } else {
            sums = experiment.arms.map { arm in
                arms.firstIndex(of: arm.key).map { posterior.arms[$0] } ?? RegressionSums(dimension: posterior.dimension)
            }
        }
        return ServingSnapshot(
            experiment: experiment.key, version: version, experimentVersion: experimentVersion, arms: experiment.arms.map(\.key),
            controlIndex: experiment.controlIndex, configuration: configuration, representation: representation,
            posterior: LinearPosterior(
                ridge: configuration.ridge, arms: sums,
                // Another length of the period counts other periods: the clock starts anew, and what has been forgotten stays so.
                period: configuration.forget?.periodSeconds == self.configuration.forget?.periodSeconds ? posterior.period : nil),
            depths: experiment.arms.map(\.discount))
    }

    /// Whether the arms are learned together.
    package var isJoint: Bool { design.kernel != nil }

    /// What is wrong with a posterior over all arms, as a sentence; nil where nothing is or the arms are learned apart. O((K d)^3).
    /// - Parameter limit: the largest gap of the normal equations, in standard deviations of the reward per impression.
    package func jointDefect(limit: Double) -> String? {
        guard isJoint else { return nil }
        for sums in posterior.arms {
            guard sums.squares.isFinite, sums.weight.isFinite, sums.moment.allSatisfy(\.isFinite), sums.gram.packed.allSatisfy(\.isFinite)
            else { return "a sum of the shared posterior is not finite" }
        }
        let joint = JointPosterior(
            of: posterior, design: design, phiLength: representation.dimension, variance: configuration.variance)
        guard joint.isFinite else { return "a coefficient of the shared posterior is not finite" }
        let gap = joint.calibrationGap
        return gap <= limit ? nil : "the shared posterior misses the rewards by \(gap) standard deviations per impression"
    }

    /// The same encoder, network and settings with another posterior.
    func with(posterior: LinearPosterior, version: SnapshotVersion) -> ServingSnapshot {
        ServingSnapshot(
            experiment: experiment, version: version, experimentVersion: experimentVersion, arms: arms, controlIndex: controlIndex,
            configuration: configuration, representation: representation, posterior: posterior, depths: depths)
    }
}

extension PolicyConfiguration {
    /// The experiment's policy; for an A/B experiment the fixed probabilities of its arms.
    init(servingFor experiment: Experiment) {
        if let policy = experiment.policy {
            self = policy
        } else {
            let even = 1 / Double(max(1, experiment.arms.count))
            let weights = experiment.arms.map { ($0.key, $0.weight ?? even) }
            self.init(algorithm: .fixed, probabilities: Dictionary(weights) { first, _ in first })
        }
    }
}

extension Feature.Kind {
    /// What a value of the feature is made of; a change of it makes fitted state meaningless.
    enum ValueType: Hashable { case number, boolean, text, events }

    var valueType: ValueType {
        switch self {
        case .number, .cycle: .number
        case .boolean: .boolean
        case .category, .hashedCategory: .text
        case .sequence: .events
        }
    }
}
