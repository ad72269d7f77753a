import HaggleMath

/// Dense layers with an activation after each hidden one and linear outputs ("heads"): one network for all arms, one head per arm.
///
/// `represent` and `predict` are the one forward pass of serving, audit and evaluation: our own loops in a fixed order of summation, because
/// BLAS gives other bits for a batch than for a row, and on another processor.
package struct MultilayerPerceptron: Hashable, Sendable {
    package let inputWidth: Int
    /// Widths of the hidden layers, input side first.
    package let hidden: [Int]
    package let outputWidth: Int
    package let activation: Activation
    var layers: [DenseLayer]

    /// A network with seeded random weights.
    /// - Precondition: widths are positive.
    package init(inputWidth: Int, hidden: [Int], outputWidth: Int, activation: Activation, seed: UInt64) {
        precondition(inputWidth > 0 && outputWidth > 0 && hidden.allSatisfy { $0 > 0 }, "a layer needs at least one unit")
        self.inputWidth = inputWidth
        self.hidden = hidden
        self.outputWidth = outputWidth
        self.activation = activation
        var generator = SeededGenerator(seed: seed, stream: 0x006e_6574)
        layers = []
        for (from, to) in zip([inputWidth] + hidden, hidden + [outputWidth]) {
            let isOutput = layers.count == hidden.count
            // Small heads: an untrained network predicts nearly nothing.
            layers.append(DenseLayer(inputWidth: from, outputWidth: to, gain: isOutput ? 0.1 : activation.gain, using: &generator))
        }
    }

    /// Width of the last hidden layer; of the input where there is none.
    package var representationWidth: Int { hidden.last ?? inputWidth }

    /// The last hidden layer after its activation: what the posterior regresses on.
    /// - Parameters:
    ///   - input: `inputWidth` numbers.
    ///   - output: at least `representationWidth` numbers, overwritten.
    package func represent(_ input: [Float], into output: inout [Float]) {
        precondition(input.count >= inputWidth && output.count >= representationWidth, "a row does not fit the network")
        if hidden.isEmpty {
            for index in 0..<inputWidth { output[index] = input[index] }
            return
        }
        var current = input
        for layer in layers.dropLast() {
            var next = [Float](repeating: 0, count: layer.outputWidth)
            var span = next.mutableSpan
            layer.apply(current.span, into: &span)
            for index in 0..<layer.outputWidth { next[index] = activation(next[index]) }
            current = next
        }
        for index in 0..<representationWidth { output[index] = current[index] }
    }

    /// All heads.
    /// - Parameters:
    ///   - input: `inputWidth` numbers.
    ///   - output: at least `outputWidth` numbers, overwritten.
    package func predict(_ input: [Float], into output: inout [Float]) {
        precondition(output.count >= outputWidth, "the output is too small for the heads")
        var representation = [Float](repeating: 0, count: representationWidth)
        represent(input, into: &representation)
        var span = output.mutableSpan
        layers[layers.count - 1].apply(representation.span, into: &span)
    }

    /// All weights and biases, layer after layer from the input: a layer's weights (one row per input), then its bias.
    package var parameters: [Float] {
        get { layers.flatMap { $0.weights + $0.bias } }
        set {
            precondition(newValue.count == layers.reduce(0) { $0 + $1.parameterCount }, "the parameters do not fit the network's shape")
            var start = 0
            for index in layers.indices {
                let weights = layers[index].weights.count
                let bias = layers[index].bias.count
                layers[index].weights = Array(newValue[start..<start + weights])
                layers[index].bias = Array(newValue[start + weights..<start + weights + bias])
                start += weights + bias
            }
        }
    }
}

extension MultilayerPerceptron: Codable {
    private enum CodingKeys: String, CodingKey { case inputWidth, hidden, outputWidth, activation, parameters }

    package init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        let inputWidth = try container.decode(Int.self, forKey: .inputWidth)
        let hidden = try container.decode([Int].self, forKey: .hidden)
        let outputWidth = try container.decode(Int.self, forKey: .outputWidth)
        let bits = try container.decode([UInt32].self, forKey: .parameters)
        let widths = [inputWidth] + hidden + [outputWidth]
        guard widths.allSatisfy({ (1...1 << 16).contains($0) }),
            bits.count == zip(widths, widths.dropFirst()).reduce(0, { $0 + ($1.0 + 1) * $1.1 })
        else {
            throw DecodingError.dataCorruptedError(
                forKey: .parameters, in: container, debugDescription: "the parameters do not fit the network's shape")
        }
        let values = bits.map { Float(bitPattern: $0) }
        guard values.allSatisfy(\.isFinite) else {
            throw DecodingError.dataCorruptedError(forKey: .parameters, in: container, debugDescription: "a parameter is not finite")
        }
        self.inputWidth = inputWidth
        self.hidden = hidden
        self.outputWidth = outputWidth
        activation = try container.decode(Activation.self, forKey: .activation)
        layers = []
        var start = 0
        for (from, to) in zip(widths, widths.dropFirst()) {
            let end = start + from * to
            layers.append(
                DenseLayer(inputWidth: from, outputWidth: to, weights: Array(values[start..<end]), bias: Array(values[end..<end + to])))
            start = end + to
        }
    }

    /// Parameters are written as bit patterns, so that reading them back gives the same bits.
    package func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(inputWidth, forKey: .inputWidth)
        try container.encode(hidden, forKey: .hidden)
        try container.encode(outputWidth, forKey: .outputWidth)
        try container.encode(activation, forKey: .activation)
        try container.encode(parameters.map(\.bitPattern), forKey: .parameters)
    }
}
