package import HaggleCore
package import NeuralNetwork

/// A multilayer perceptron with one output per arm: the reward model `neural`.
///
/// Row weights enter the squared loss divided by their mean: the step size of training means the same for every unit of weight.
/// An arm with fewer than 20 rows, and every arm where there are fewer than 64 rows in all, gets its shrunken mean.
package struct NeuralRewardTrainer: RewardModelTrainer {
    package let name = "neural"
    package let schema: FeatureSchema
    package let model: PolicyConfiguration.Model
    package let seed: UInt64

    package init(schema: FeatureSchema, model: PolicyConfiguration.Model = PolicyConfiguration.Model(), seed: UInt64 = 1) {
        self.schema = schema
        self.model = model
        self.seed = seed
    }

    package func train(on interactions: [Interaction], armCount: Int) throws -> any RewardModel {
        try train(on: EncodedRows(interactions, schema: schema, armCount: armCount), armCount: armCount)
    }

    package func train(on interactions: [Interaction], weights: [Double], armCount: Int) throws -> any RewardModel {
        try train(on: EncodedRows(interactions, weights: weights, schema: schema, armCount: armCount), armCount: armCount)
    }

    /// The same as `train(on:armCount:)`, with what happened while the network was trained.
    /// - Parameters:
    ///   - progress: called after every pass.
    ///   - observe: called after every pass with weights and gradients.
    /// - Returns: the model, and the report of its training; nil where there were too few rows for a network, so that each arm's mean stands in.
    package func train(
        on interactions: [Interaction], armCount: Int, progress: ((EpochReport) -> Void)?, observe: TensorObserver? = nil
    ) throws -> (model: any RewardModel, report: TrainingReport?) {
        let rows = try EncodedRows(interactions, schema: schema, armCount: armCount)
        let model = try train(on: rows, armCount: armCount, progress: progress, observe: observe)
        return (model, model.trained?.report)
    }

    private func train(
        on rows: EncodedRows, armCount: Int, progress: ((EpochReport) -> Void)? = nil, observe: TensorObserver? = nil
    ) throws -> NeuralRewardModel {
        let means = ShrunkenMeans(rows, armCount: armCount)
        guard means.counts.reduce(0, +) >= RewardNetwork.leastRowCount, rows.width > 0 else {
            return NeuralRewardModel(representation: Representation(untrained: schema), trained: nil, means: means.values.map { $0 })
        }
        let trained = try RewardNetwork(fittedTo: rows, armCount: armCount, model: model, seed: seed, progress: progress, observe: observe)
        guard
            let representation = Representation(
                basis: .network, schema: schema, encoder: rows.encoder, scaling: rows.scaling, network: trained.network)
        else { preconditionFailure("parts fitted to the same rows fit together") }
        let fallbacks = (0..<armCount).map { means.counts[$0] < Self.leastRowCount ? means.values[$0] : nil }
        return NeuralRewardModel(representation: representation, trained: trained, means: fallbacks)
    }

    private static let leastRowCount = 20
}

private struct NeuralRewardModel: RewardModel {
    let representation: Representation
    let trained: RewardNetwork?
    /// What stands in for an arm's output; nil where the output is used.
    let means: [Double?]

    func estimate(in context: Context, into estimates: inout [Double]) {
        var outputs = [Float](repeating: 0, count: means.count)
        if let trained { trained.network.predict(representation.input(context), into: &outputs) }
        for arm in means.indices {
            estimates[arm] = means[arm] ?? (trained.map { $0.scale.centre + $0.scale.scale * Double(outputs[arm]) } ?? 0)
        }
    }
}
