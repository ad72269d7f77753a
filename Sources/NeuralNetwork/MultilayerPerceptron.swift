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
    /// What the last columns of the input, the events, go through before the first dense layer; empty for a plain network.
    package let encoders: [SequenceEncoder]
    /// Whether hidden layers are normalised before their activation.
    package let layerNorm: Bool
    /// Whether a hidden layer as wide as its input adds it to its output.
    package let residual: Bool
    /// All weights and biases, layer by layer from the input, the heads last, the sequence encoders first; of each dense layer the weights
    /// input-major (all weights of input 0, then of input 1, ...), then the biases, then gains and shifts. Their number never changes.
    package var parameters: [Float] {
        didSet { precondition(parameters.count == parameterCount, "this network has \(parameterCount) parameters") }
    }

    /// The hidden layers and the heads.
    let denseLayers: [DenseLayer]

    /// A network with random weights: equal arguments give equal networks.
    package init(
        inputWidth: Int, hidden: [Int], outputWidth: Int, activation: Activation, encoders: [SequenceEncoder] = [], layerNorm: Bool = false,
        residual: Bool = false, seed: UInt64
    ) {
        self.init(
            inputWidth: inputWidth, hidden: hidden, outputWidth: outputWidth, activation: activation, encoders: encoders,
            layerNorm: layerNorm, residual: residual, given: nil)
        var generator = SeededGenerator(seed: seed, stream: 0x6e65_7477_6f72_6b00)  // "network", so that no other use of the seed shares it
        var parameters = encoders.flatMap { $0.startingParameters(using: &generator) }
        for (index, layer) in denseLayers.enumerated() {
            parameters += layer.startingParameters(before: index < hidden.count ? activation : nil, using: &generator)
            if layerNorm, index < hidden.count { parameters += LayerNormLayer(width: layer.outputWidth).startingParameters }
        }
        self.parameters = parameters
    }

    /// A network with given parameters, in the order of `parameters`.
    package init(
        inputWidth: Int, hidden: [Int], outputWidth: Int, activation: Activation, encoders: [SequenceEncoder] = [], layerNorm: Bool = false,
        residual: Bool = false, parameters: [Float]
    ) {
        self.init(
            inputWidth: inputWidth, hidden: hidden, outputWidth: outputWidth, activation: activation, encoders: encoders,
            layerNorm: layerNorm, residual: residual, given: parameters)
    }

    private init(
        inputWidth: Int, hidden: [Int], outputWidth: Int, activation: Activation, encoders: [SequenceEncoder], layerNorm: Bool,
        residual: Bool, given parameters: [Float]?
    ) {
        precondition(inputWidth >= 0 && outputWidth > 0 && hidden.allSatisfy { $0 > 0 }, "a layer needs at least one unit")
        precondition(encoders.reduce(0) { $0 + $1.inputWidth } <= inputWidth, "the events must lie inside the input")
        self.inputWidth = inputWidth
        self.hidden = hidden
        self.outputWidth = outputWidth
        self.activation = activation
        self.encoders = encoders
        self.layerNorm = layerNorm
        self.residual = residual
        let encoded = encoders.reduce(inputWidth) { $0 - $1.inputWidth + $1.outputWidth }
        denseLayers = Self.denseLayers(inputWidth: encoded, hidden: hidden, outputWidth: outputWidth)
        let count = Self.parameterCount(encoders, denseLayers, layerNorm: layerNorm)
        precondition(parameters == nil || parameters?.count == count, "this network has \(count) parameters")
        self.parameters = parameters ?? [Float](repeating: 0, count: count)
    }

    /// Number of weights and biases.
    package var parameterCount: Int { Self.parameterCount(encoders, denseLayers, layerNorm: layerNorm) }

    static func parameterCount(_ encoders: [SequenceEncoder], _ layers: [DenseLayer], layerNorm: Bool) -> Int {
        let norms = layerNorm ? layers.dropLast().reduce(0) { $0 + 2 * $1.outputWidth } : 0
        return encoders.reduce(0) { $0 + $1.parameterCount } + layers.reduce(0) { $0 + $1.parameterCount } + norms
    }

    /// Width of the last hidden layer, or of what goes into the heads where there is none.
    package var representationWidth: Int { hidden.last ?? denseLayers[0].inputWidth }

    /// Whether there is nothing but dense layers and activations.
    var isPlain: Bool { encoders.isEmpty && !layerNorm && !residual }

    static func denseLayers(inputWidth: Int, hidden: [Int], outputWidth: Int) -> [DenseLayer] {
        zip([inputWidth] + hidden, hidden + [outputWidth]).map { DenseLayer(inputWidth: $0, outputWidth: $1) }
    }

    /// The events' stage of a network that has one.
    var sequenceLayer: SequenceLayer? {
        encoders.isEmpty ? nil : SequenceLayer(plainWidth: encoders.reduce(inputWidth) { $0 - $1.inputWidth }, encoders: encoders)
    }

    /// The hidden layers of a network that is not plain.
    var blocks: [HiddenBlock] {
        denseLayers.dropLast().map { HiddenBlock($0, activation: activation, layerNorm: layerNorm, residual: residual) }
    }
}

extension MultilayerPerceptron {
    /// The stages that training runs through, in order.
    var layers: [any Layer] {
        guard isPlain else {
            var stages: [any Layer] = []
            if let sequenceLayer { stages.append(sequenceLayer) }
            stages += blocks as [any Layer]
            stages.append(denseLayers[hidden.count])
            return stages
        }
        return denseLayers.enumerated().flatMap { index, dense -> [any Layer] in
            index < hidden.count ? [dense, ActivationLayer(width: dense.outputWidth, activation: activation)] : [dense]
        }
    }

    /// Which of the stages end a hidden layer: dropout follows them.
    var hiddenStages: [Int] {
        isPlain ? hidden.indices.map { 2 * $0 + 1 } : hidden.indices.map { $0 + (encoders.isEmpty ? 0 : 1) }
    }
}
