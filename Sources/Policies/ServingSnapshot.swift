package import Features
package import HaggleCore
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

    /// - Precondition: at least one arm, `controlIndex` among them, and a posterior with as many arms and as many dimensions as phi.
    package init(
        experiment: ExperimentKey, version: SnapshotVersion, experimentVersion: ExperimentVersion, arms: [ArmKey], controlIndex: Int,
        configuration: PolicyConfiguration, representation: Representation, posterior: LinearPosterior
    ) {
        precondition(arms.indices.contains(controlIndex), "the control arm must be one of the arms")
        precondition(
            posterior.arms.count == arms.count && posterior.dimension == representation.dimension,
            "posterior, arms and representation must fit together")
        self.experiment = experiment
        self.version = version
        self.experimentVersion = experimentVersion
        self.arms = arms
        self.controlIndex = controlIndex
        self.configuration = configuration
        self.representation = representation
        self.posterior = posterior
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
            posterior: LinearPosterior(
                dimension: representation.dimension, armCount: experiment.arms.count, ridge: configuration.ridge))
    }

    /// The snapshot that fits a changed experiment, or nil where it must start anew because a feature changed its type.
    ///
    /// By key: a new arm starts at the prior, a removed arm goes. A new feature is ignored and a removed one counts as missing until the
    /// next retrain. Exploration settings and prior precision are the new experiment's at once, the model after the next retrain. The
    /// snapshot's own version stays; whoever publishes sets it.
    package func adapted(to experiment: Experiment, version experimentVersion: ExperimentVersion) -> ServingSnapshot? {
        for feature in experiment.context.features {
            if let fitted = representation.schema[feature.name], fitted.kind.valueType != feature.kind.valueType { return nil }
        }
        let configuration = PolicyConfiguration(servingFor: experiment)
        let sums = experiment.arms.map { arm in
            arms.firstIndex(of: arm.key).map { posterior.arms[$0] } ?? RegressionSums(dimension: posterior.dimension)
        }
        return ServingSnapshot(
            experiment: experiment.key, version: version, experimentVersion: experimentVersion, arms: experiment.arms.map(\.key),
            controlIndex: experiment.controlIndex, configuration: configuration, representation: representation,
            posterior: LinearPosterior(
                ridge: configuration.ridge, arms: sums,
                // Another length of the period counts other periods: the clock starts anew, and what has been forgotten stays so.
                period: configuration.forget?.periodSeconds == self.configuration.forget?.periodSeconds ? posterior.period : nil))
    }

    /// The same encoder, network and settings with another posterior.
    func with(posterior: LinearPosterior, version: SnapshotVersion) -> ServingSnapshot {
        ServingSnapshot(
            experiment: experiment, version: version, experimentVersion: experimentVersion, arms: arms, controlIndex: controlIndex,
            configuration: configuration, representation: representation, posterior: posterior)
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
