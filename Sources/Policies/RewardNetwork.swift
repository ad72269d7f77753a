import HaggleCore
import NeuralNetwork

/// A network with one output per arm, fitted to standardised rewards.
struct RewardNetwork {
    let network: MultilayerPerceptron
    let report: TrainingReport
    /// What its outputs are in.
    let scale: RewardScale

    /// Trains from fresh weights; a function of the rows, the model and the seed.
    ///
    /// The targets are standardised in `Double` and then rounded to `Float`, so that rewards multiplied by a constant give the same bits
    /// and the same network (but for a row in some 1e8 whose rounding lies on a tie).
    init(
        fittedTo rows: EncodedRows, armCount: Int, model: PolicyConfiguration.Model, seed: UInt64,
        progress: ((EpochReport) -> Void)?, observe: TensorObserver? = nil
    ) throws {
        let scale = rows.rewardScale
        let fresh = MultilayerPerceptron(
            inputWidth: rows.width, hidden: model.hidden, outputWidth: armCount,
            activation: Activation(rawValue: model.activation.rawValue) ?? .relu, seed: seed)
        let weight = rows.weights.reduce(0, +) / Double(max(1, rows.count))
        let isWeighted = weight > 0 && rows.weights.contains { $0 != 1 }
        let configuration = NetworkTrainer.Configuration(
            learningRate: model.learningRate, weightDecay: model.weightDecay, batch: model.batch, epochs: model.epochs,
            patience: model.patience, validationShare: Self.validationShare, seed: seed)
        (network, report) = try NetworkTrainer.train(
            fresh, inputs: rows.inputs, rowCount: rows.count, head: rows.arms.map { Int32($0) },
            targets: rows.rewards.map { Float(($0 - scale.centre) / scale.scale) },
            weights: isWeighted ? rows.weights.map { Float($0 / weight) } : nil, configuration: configuration,
            progress: progress, observe: observe)
        self.scale = scale
    }

    /// Fewer rows than this are not worth a network: its validation slice would be noise.
    static let leastRowCount = 64
    /// The newest share of the rows, for early stopping.
    private static let validationShare = 0.15
}
