package import HaggleCore
package import NeuralNetwork

extension PolicyLearner {
    /// Fits encoder and network to matured interactions and accumulates the posterior anew over them: what a retrain does.
    ///
    /// `auto` chooses between context and network by what predicts the newest rows better (`RepresentationChoice`). `fixed` and `uniform` need neither. With fewer than 64 rows a neural policy gets the linear representation, without any the
    /// untrained one. Deterministic for the interactions, their order where they have no times, and the configuration's seed.
    /// Under `forget` a row weighs `gamma^(P - P_i)`, P the period of the newest row; rows without a time count as of P.
    /// - Parameters:
    ///   - interactions: arms are positions in the experiment's arms; only rows that are to be learned from.
    ///   - progress: called after every pass of the network's training.
    /// - Returns: a learner whose `snapshot(version:)` serves.
    /// - Throws: `PoliciesError` for a row that cannot be; what the network's trainer throws.
    package static func refit(
        _ experiment: Experiment, experimentVersion: ExperimentVersion, interactions: [Interaction],
        progress: ((EpochReport) -> Void)? = nil
    ) throws -> PolicyLearner {
        if let policy = experiment.policy, policy.algorithm.isLearnedOffline {
            throw PoliciesError.notIncremental(algorithm: policy.algorithm.rawValue)
        }
        let initial = ServingSnapshot.initial(experiment: experiment, experimentVersion: experimentVersion)
        let configuration = initial.configuration
        let armCount = experiment.arms.count
        if configuration.algorithm == .bernoulliThompson {
            for (row, interaction) in interactions.enumerated() where !(interaction.reward >= 0 && interaction.reward <= 1) {
                throw PoliciesError.rewardNotShare(row: row)
            }
        }
        let ages = configuration.forget.flatMap { Ages(of: interactions, $0) }
        let rows = try EncodedRows(
            interactions, weights: ages?.weights, schema: experiment.context, armCount: armCount,
            keepingOrder: configuration.model.kind == .cnn || configuration.model.kind == .gru)
        var basis = configuration.basis(rowCount: rows.count, width: rows.width)
        if configuration.algorithm == .auto, basis == .network {
            basis =
                rows.count < RepresentationChoice.leastRowCount
                ? .context
                : try RepresentationChoice(
                    experiment, experimentVersion, interactions: interactions, order: rows.order, weights: rows.weights
                ).basis
        }
        var trained: RewardNetwork?
        if basis == .network {
            trained = try RewardNetwork(
                fittedTo: rows, armCount: armCount, model: configuration.model, defaultReward: experiment.reward.defaultReward,
                seed: configuration.seed, progress: progress)
        }
        guard
            let representation = Representation(
                basis: basis, schema: experiment.context, encoder: rows.encoder, scaling: rows.scaling, network: trained?.network)
        else { preconditionFailure("parts fitted to the same rows fit together") }
        let design = PosteriorDesign(configuration, arms: experiment.arms)
        var posterior = design.prior(phiLength: representation.dimension, armCount: armCount, ridge: configuration.ridge)
        for row in 0..<rows.count {
            // Without propensities a row cannot be centred and says nothing here; it has trained the network.
            let regressor = design.regressor(
                representation.phi(ofInput: rows[row]), arm: rows.arms[row], propensities: interactions[rows.order[row]].propensities)
            guard let regressor else { continue }
            posterior.add(regressor.vector, arm: regressor.block, reward: rows.rewards[row], weight: rows.weights[row])
        }
        if let clock = ages?.clock { posterior.advance(to: clock, factor: 1) }
        let base = ServingSnapshot(
            experiment: experiment.key, version: initial.version, experimentVersion: experimentVersion, arms: initial.arms,
            controlIndex: initial.controlIndex, configuration: configuration, representation: representation, posterior: posterior,
            depths: experiment.arms.map(\.discount))
        return PolicyLearner(base, posterior: posterior, training: trained?.report)
    }

    /// The same from the parts of an experiment that matter to it.
    package static func refit(
        configuration: PolicyConfiguration, schema: FeatureSchema, arms: [Arm], interactions: [Interaction],
        experiment: ExperimentKey = "policy", experimentVersion: ExperimentVersion = 1, progress: ((EpochReport) -> Void)? = nil
    ) throws -> PolicyLearner {
        let stated = Experiment(
            key: experiment, kind: .bandit, arms: arms, context: schema, reward: RewardConfiguration(metric: .value, windowSeconds: 1),
            policy: configuration)
        return try refit(stated, experimentVersion: experimentVersion, interactions: interactions, progress: progress)
    }
}

extension PolicyConfiguration {
    /// What the algorithm regresses on once it has been fitted.
    func basis(rowCount: Int, width: Int) -> Representation.Basis {
        guard rowCount > 0, width > 0 else { return .intercept }
        let isNeural: Bool
        switch algorithm {
        case .fixed, .uniform, .bernoulliThompson, .ipw, .dr: return .intercept
        case .greedy, .epsilonGreedy, .softmax, .squareCB, .topTwoThompson, .apprentice, .auto: isNeural = model.kind != .linear
        case .linearThompson, .linearUCB: isNeural = false
        case .neuralThompson, .neuralUCB: isNeural = true
        }
        return isNeural && !model.hidden.isEmpty && rowCount >= RewardNetwork.leastRowCount ? .network : .context
    }
}
