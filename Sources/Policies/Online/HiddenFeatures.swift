import HaggleCore
import HaggleMath
import NeuralNetwork

/// z: the last hidden layer of a reward network with one head per arm, each of its units standardised over the rows that it was fitted to.
struct HiddenFeatures {
    private let network: MultilayerPerceptron
    private let means: [Double]
    /// 1 / sd; 0 for a unit that did not vary.
    private let factors: [Double]

    /// Length of z.
    var width: Int { network.representationWidth }

    /// Trains the network on what was played: squared error of the played arm's head.
    ///
    /// Training goes on from the network before, so few passes are enough; Adam begins anew. With few rows there are more passes, up to
    /// fifty, so that every fit takes at least some dozens of steps.
    /// - Parameters:
    ///   - inputs: scaled contexts, row-major.
    ///   - previous: where training goes on.
    ///   - seed: of the weights and of the order in which rows are visited.
    /// - Throws: `NeuralNetworkError` where training diverges or is cancelled.
    init(
        fittedTo inputs: [Float], arms: [Int32], rewards: [Double], armCount: Int, model: PolicyConfiguration.Model,
        previous: HiddenFeatures?, seed: UInt64
    ) throws(NeuralNetworkError) {
        let count = arms.count
        precondition(count > 0, "a network needs rows")
        let inputWidth = inputs.count / count
        let start =
            previous?.network
            ?? MultilayerPerceptron(
                inputWidth: inputWidth, hidden: model.hidden, outputWidth: armCount, activation: Self.activation(of: model), seed: seed)
        var moments = RunningMoment()
        for reward in rewards { moments.add(reward) }
        // A rare first reward must not become a huge target.
        let scale = moments.variance > 0 ? max(moments.variance.squareRoot(), 0.05 * moments.reach) : 1
        let (trained, _) = try NetworkTrainer.train(
            start, inputs: inputs, rowCount: count, head: arms, targets: rewards.map { Float(($0 - moments.mean) / scale) },
            configuration: NetworkTrainer.Configuration(
                learningRate: model.learningRate, weightDecay: model.weightDecay, batch: min(model.batch, Self.largestBatch),
                epochs: max(min(model.epochs, Self.passes), min(50, 3000 / count)), patience: .max, validationShare: 0,
                seed: mix64(seed &+ UInt64(count))))
        network = trained
        let width = trained.representationWidth
        var units = [RunningMoment](repeating: RunningMoment(), count: width)
        var z = [Float](repeating: 0, count: count * width)
        var span = z.mutableSpan
        trained.represent(inputs.span, rowCount: count, into: &span)
        for row in 0..<count {
            for unit in 0..<width { units[unit].add(Double(z[row * width + unit])) }
        }
        means = units.map(\.mean)
        factors = units.map { $0.variance > 1e-12 ? 1 / $0.variance.squareRoot() : 0 }
    }

    /// Appends z of one scaled context. O(parameters).
    func append(of input: [Float], to features: inout [Double], scratch: inout [Float]) {
        network.represent(input, into: &scratch)
        for unit in 0..<width { features.append((Double(scratch[unit]) - means[unit]) * factors[unit]) }
    }

    private static func activation(of model: PolicyConfiguration.Model) -> Activation {
        switch model.activation {
        case .relu: .relu
        case .gelu: .gelu
        case .tanh: .tanh
        }
    }

    private static let passes = 5
    private static let largestBatch = 128
}
