import Features
import HaggleCore
import HaggleMath
import NeuralNetwork

/// A network with a head per arm, fitted to rewards; what its outputs mean follows from the loss.
struct RewardNetwork {
    let network: MultilayerPerceptron
    let report: TrainingReport
    let loss: TrainingLoss
    /// What outputs are in: of all rewards; of `two-part` of those that differ from the default.
    let scale: RewardScale
    /// The reward of an impression without a conversion.
    let defaultReward: Double

    /// Trains from fresh weights; a function of the rows, the model and the seed.
    ///
    /// The targets are standardised in `Double` and then rounded to `Float`, so that rewards multiplied by a constant give the same bits
    /// and the same network (but for a row in some 1e8 whose rounding lies on a tie).
    /// - Throws: what `NetworkTrainer.train` throws.
    init(
        fittedTo rows: EncodedRows, armCount: Int, model: PolicyConfiguration.Model, defaultReward: Double = 0, seed: UInt64,
        progress: ((EpochReport) -> Void)?, observe: TensorObserver? = nil
    ) throws {
        let loss = TrainingLoss(rawValue: model.loss.rawValue) ?? .squared
        let hits = rows.rewards.map { $0 != defaultReward }
        let scale: RewardScale
        switch loss {
        case .squared, .huber: scale = rows.rewardScale
        case .bernoulli: scale = .identity
        case .twoPart: scale = rows.rewardScale(where: hits)
        }
        let activation = Activation(rawValue: model.activation.rawValue) ?? .relu
        let encoders = rows.encoder.eventBlocks.map { block in
            SequenceEncoder(
                kind: model.kind == .gru ? .gru : .cnn, length: block.length, numberCount: block.numberCount, categories: block.categories,
                units: model.units, kernel: model.kernel, activation: activation)
        }
        let fresh = MultilayerPerceptron(
            inputWidth: rows.width, hidden: model.hidden, outputWidth: armCount * loss.outputsPerHead, activation: activation,
            encoders: encoders, layerNorm: model.layerNorm, residual: model.residual, seed: seed)
        let weight = rows.weights.reduce(0, +) / Double(max(1, rows.count))
        let isWeighted = weight > 0 && rows.weights.contains { $0 != 1 }
        let configuration = NetworkTrainer.Configuration(
            learningRate: model.learningRate, weightDecay: model.weightDecay, batch: model.batch, epochs: model.epochs,
            patience: model.patience, validationShare: Self.validationShare, seed: seed, loss: loss,
            schedule: LearningSchedule.Kind(rawValue: model.schedule.rawValue) ?? .constant, clip: model.clip, dropout: model.dropout)
        (network, report) = try NetworkTrainer.train(
            fresh, inputs: rows.inputs, rowCount: rows.count, head: rows.arms.map { Int32($0) },
            targets: rows.rewards.map {
                Float((min(max($0, loss == .bernoulli ? 0 : $0), loss == .bernoulli ? 1 : $0) - scale.centre) / scale.scale)
            },
            hits: loss == .twoPart ? hits : nil, weights: isWeighted ? rows.weights.map { Float($0 / weight) } : nil,
            configuration: configuration, progress: progress, observe: observe)
        self.loss = loss
        self.scale = scale
        self.defaultReward = defaultReward
    }

    /// The reward that an arm's outputs predict.
    /// - Parameter outputs: of all heads.
    func estimate(_ outputs: [Float], arm: Int) -> Double {
        switch loss {
        case .squared, .huber: return scale.centre + scale.scale * Double(outputs[arm])
        case .bernoulli: return ElementaryFunctions.logistic(Double(outputs[arm]))
        case .twoPart:
            let probability = ElementaryFunctions.logistic(Double(outputs[2 * arm]))
            let value = scale.centre + scale.scale * Double(outputs[2 * arm + 1])
            return defaultReward + probability * (value - defaultReward)
        }
    }

    /// Fewer rows than this are not worth a network: its validation slice would be noise.
    static let leastRowCount = 64
    /// The newest share of the rows, for early stopping.
    private static let validationShare = 0.15
}
