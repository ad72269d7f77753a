import HaggleMath

/// Forward and backward passes over a batch through OpenBLAS, for training only; buffers are kept between batches.
///
/// Loss: `1/n sum_i w_i (yhat_i - y_i)^2`, yhat_i the head that row i trains.
package struct Backpropagation {
    private let activation: Activation
    private let capacity: Int
    /// Per layer: its input after the activation before it, and its output before the activation.
    private var inputs: [[Float]]
    private var outputs: [[Float]]
    private var deltas: [[Float]]
    /// One gradient per parameter, in the order of `MultilayerPerceptron.parameters`.
    package private(set) var gradient: [Float]

    package init(for network: MultilayerPerceptron, capacity: Int) {
        activation = network.activation
        self.capacity = capacity
        inputs = network.layers.map { [Float](repeating: 0, count: capacity * $0.inputWidth) }
        outputs = network.layers.map { [Float](repeating: 0, count: capacity * $0.outputWidth) }
        deltas = outputs
        gradient = [Float](repeating: 0, count: network.layers.reduce(0) { $0 + $1.parameterCount })
    }

    /// Runs rows through the network and returns the sum of weighted squared errors; the gradient of their mean is in `gradient`
    /// afterwards if `backward` is true.
    package mutating func run(
        _ network: MultilayerPerceptron, rows: ArraySlice<Int>, inputs allInputs: [Float], head: [Int32], targets: [Float],
        weights: [Float]?, backward: Bool
    ) -> Double {
        let count = rows.count
        precondition(count <= capacity, "the batch is larger than its buffers")
        let width = network.inputWidth
        for (place, row) in rows.enumerated() {
            for column in 0..<width { inputs[0][place * width + column] = allInputs[row * width + column] }
        }
        forward(network, count: count)
        let last = network.layers.count - 1
        let heads = network.outputWidth
        var loss = 0.0
        if backward {
            for index in 0..<count * heads { deltas[last][index] = 0 }
        }
        for (place, row) in rows.enumerated() {
            let weight = weights?[row] ?? 1
            let index = place * heads + Int(head[row])
            let error = outputs[last][index] - targets[row]
            loss += Double(weight) * Double(error) * Double(error)
            if backward { deltas[last][index] = 2 * weight * error / Float(count) }
        }
        if backward { propagate(network, count: count) }
        return loss
    }

    private mutating func forward(_ network: MultilayerPerceptron, count: Int) {
        for (index, layer) in network.layers.enumerated() {
            let width = layer.outputWidth
            for row in 0..<count {
                for column in 0..<width { outputs[index][row * width + column] = layer.bias[column] }
            }
            let input = inputs[index]
            var product = outputs[index].mutableSpan
            BLAS.multiply(
                input.span, .asStored, layer.weights.span, .asStored, rows: count, inner: layer.inputWidth, columns: width, keep: 1,
                into: &product)
            if index + 1 < network.layers.count { activate(from: index, count: count * width) }
        }
    }

    private mutating func activate(from index: Int, count: Int) {
        switch activation {
        case .relu: for place in 0..<count { inputs[index + 1][place] = max(0, outputs[index][place]) }
        case .gelu, .tanh: for place in 0..<count { inputs[index + 1][place] = activation(outputs[index][place]) }
        }
    }

    private mutating func propagate(_ network: MultilayerPerceptron, count: Int) {
        var end = gradient.count
        for index in network.layers.indices.reversed() {
            let layer = network.layers[index]
            let biasStart = end - layer.outputWidth
            let weightStart = biasStart - layer.weights.count
            for column in 0..<layer.outputWidth { gradient[biasStart + column] = 0 }
            for row in 0..<count {
                for column in 0..<layer.outputWidth { gradient[biasStart + column] += deltas[index][row * layer.outputWidth + column] }
            }
            let input = inputs[index]
            let upstream = deltas[index]
            var weightGradient = [Float](repeating: 0, count: layer.weights.count)
            var product = weightGradient.mutableSpan
            BLAS.multiply(
                input.span, .transposed, upstream.span, .asStored, rows: layer.inputWidth, inner: count, columns: layer.outputWidth,
                into: &product)
            for place in weightGradient.indices { gradient[weightStart + place] = weightGradient[place] }
            if index > 0 {
                var previous = deltas[index - 1].mutableSpan
                BLAS.multiply(
                    upstream.span, .asStored, layer.weights.span, .transposed, rows: count, inner: layer.outputWidth,
                    columns: layer.inputWidth, into: &previous)
                for place in 0..<count * layer.inputWidth {
                    deltas[index - 1][place] *= activation.derivative(outputs[index - 1][place])
                }
            }
            end = weightStart
        }
    }
}
