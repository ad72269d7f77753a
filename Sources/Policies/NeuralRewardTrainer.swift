package import HaggleCore
package import NeuralNetwork

/// A network with a head per arm, of any kind, loss and shape that `model:` of an experiment can say: the reward model `neural`.
///
/// Row weights enter the squared loss divided by their mean: the step size of training means the same for every unit of weight.
/// An arm with fewer than 20 rows, and every arm where there are fewer than 64 rows in all, gets its shrunken mean.
package struct NeuralRewardTrainer: RewardModelTrainer {
    package let name = "neural"
    package let schema: FeatureSchema
    package let model: PolicyConfiguration.Model
    /// The reward of an impression without a conversion: what `two-part` counts as none.
    package let defaultReward: Double
    package let seed: UInt64

    package init(
        schema: FeatureSchema, model: PolicyConfiguration.Model = PolicyConfiguration.Model(), defaultReward: Double = 0, seed: UInt64 = 1
    ) {
        self.schema = schema
        self.model = model
        self.defaultReward = defaultReward
        self.seed = seed
    }

    private var keepsOrder: Bool { model.kind == .cnn || model.kind == .gru }

    package func train(on interactions: [Interaction], armCount: Int) throws -> any RewardModel {
        try train(on: EncodedRows(interactions, schema: schema, armCount: armCount, keepingOrder: keepsOrder), armCount: armCount).model
    }

    package func train(on interactions: [Interaction], weights: [Double], armCount: Int) throws -> any RewardModel {
        try train(
            on: EncodedRows(interactions, weights: weights, schema: schema, armCount: armCount, keepingOrder: keepsOrder),
            armCount: armCount
        ).model
    }

    /// The same with what the training reported, and a look at every pass.
    /// - Parameters:
    ///   - progress: called after every pass.
    ///   - observe: called after every pass with the weights and the gradients of its last step.
    /// - Returns: no report where there were too few rows for a network.
    package func train(
        on interactions: [Interaction], armCount: Int, progress: ((EpochReport) -> Void)?, observe: TensorObserver?
    ) throws -> (model: any RewardModel, report: TrainingReport?) {
        let rows = try EncodedRows(interactions, schema: schema, armCount: armCount, keepingOrder: keepsOrder)
        return try train(on: rows, armCount: armCount, progress: progress, observe: observe)
    }

    private func train(
        on rows: EncodedRows, armCount: Int, progress: ((EpochReport) -> Void)? = nil, observe: TensorObserver? = nil
    ) throws -> (model: any RewardModel, report: TrainingReport?) {
        let means = ShrunkenMeans(rows, armCount: armCount)
        guard means.counts.reduce(0, +) >= RewardNetwork.leastRowCount, rows.width > 0 else {
            let model = NeuralRewardModel(representation: Representation(untrained: schema), trained: nil, means: means.values.map { $0 })
            return (model, nil)
        }
        let trained = try RewardNetwork(
            fittedTo: rows, armCount: armCount, model: model, defaultReward: defaultReward, seed: seed, progress: progress, observe: observe
        )
        guard
            let representation = Representation(
                basis: .network, schema: schema, encoder: rows.encoder, scaling: rows.scaling, network: trained.network)
        else { preconditionFailure("parts fitted to the same rows fit together") }
        let fallbacks = (0..<armCount).map { means.counts[$0] < Self.leastRowCount ? means.values[$0] : nil }
        return (NeuralRewardModel(representation: representation, trained: trained, means: fallbacks), trained.report)
    }

    private static let leastRowCount = 20
}

private struct NeuralRewardModel: RewardModel {
    let representation: Representation
    let trained: RewardNetwork?
    /// What stands in for an arm's output; nil where the output is used.
    let means: [Double?]

    func estimate(in context: Context, into estimates: inout [Double]) {
        var outputs = [Float](repeating: 0, count: trained?.network.outputWidth ?? 0)
        if let trained { trained.network.predict(representation.input(context), into: &outputs) }
        for arm in means.indices {
            estimates[arm] = means[arm] ?? trained?.estimate(outputs, arm: arm) ?? 0
        }
    }
}
