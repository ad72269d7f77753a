import HaggleMath

/// Dense layers with an activation between them and linear heads at the end, in single precision.
///
/// A value: training returns another one. Its forward pass is our own code with a fixed order of summation, so that serving, audit and
/// evaluation get the same bits for a row, alone or in a batch.
package struct MultilayerPerceptron: Hashable, Sendable {
    package let inputWidth: Int
    /// Widths of the hidden layers, input side first.
    package let hidden: [Int]
    /// Number of heads.
    package let outputWidth: Int
    package let activation: Activation
    /// All weights and biases, layer by layer from the input, the heads last; of each layer the weights input-major (all weights of input 0,
    /// then of input 1, ...), then the biases. Their number never changes.
    package var parameters: [Float] {
        didSet { precondition(parameters.count == parameterCount, "this network has \(parameterCount) parameters") }
    }

    /// The hidden layers and the heads.
    let denseLayers: [DenseLayer]

    /// A network with random weights: equal arguments give equal networks.
    package init(inputWidth: Int, hidden: [Int], outputWidth: Int, activation: Activation, seed: UInt64) {
        self.init(inputWidth: inputWidth, hidden: hidden, outputWidth: outputWidth, activation: activation, parameters: nil)
        var generator = SeededGenerator(seed: seed, stream: 0x6e65_7477_6f72_6b00)  // "network", so that no other use of the seed shares it
        parameters = denseLayers.enumerated().flatMap { index, layer in
            layer.startingParameters(before: index < hidden.count ? activation : nil, using: &generator)
        }
    }

    /// A network with given parameters, in the order of `parameters`.
    package init(inputWidth: Int, hidden: [Int], outputWidth: Int, activation: Activation, parameters: [Float]) {
        self.init(inputWidth: inputWidth, hidden: hidden, outputWidth: outputWidth, activation: activation, parameters: .some(parameters))
    }

    private init(inputWidth: Int, hidden: [Int], outputWidth: Int, activation: Activation, parameters: [Float]?) {
        precondition(inputWidth >= 0 && outputWidth > 0 && hidden.allSatisfy { $0 > 0 }, "a layer needs at least one unit")
        self.inputWidth = inputWidth
        self.hidden = hidden
        self.outputWidth = outputWidth
        self.activation = activation
        denseLayers = Self.denseLayers(inputWidth: inputWidth, hidden: hidden, outputWidth: outputWidth)
        let count = denseLayers.reduce(0) { $0 + $1.parameterCount }
        precondition(parameters == nil || parameters?.count == count, "this network has \(count) parameters")
        self.parameters = parameters ?? [Float](repeating: 0, count: count)
    }

    /// Number of weights and biases.
    package var parameterCount: Int { denseLayers.reduce(0) { $0 + $1.parameterCount } }

    /// Width of the last hidden layer, or of the input where there is none.
    package var representationWidth: Int { hidden.last ?? inputWidth }

    static func denseLayers(inputWidth: Int, hidden: [Int], outputWidth: Int) -> [DenseLayer] {
        zip([inputWidth] + hidden, hidden + [outputWidth]).map { DenseLayer(inputWidth: $0, outputWidth: $1) }
    }
}

extension MultilayerPerceptron {
    /// The stages that training runs through, in order.
    var layers: [any Layer] {
        denseLayers.enumerated().flatMap { index, dense -> [any Layer] in
            index < hidden.count ? [dense, ActivationLayer(width: dense.outputWidth, activation: activation)] : [dense]
        }
    }
}
