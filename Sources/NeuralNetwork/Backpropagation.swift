import HaggleMath

/// Forward and backward passes over a minibatch through OpenBLAS, for training only; buffers are kept between batches.
///
/// Loss: `1/n sum_i w_i loss(yhat_i, y_i)`, yhat_i the head that row i trains; the other heads get no gradient from it.
struct Backpropagation {
    private let layers: [any Layer]
    /// Where each layer's parameters lie in the network's.
    private let ranges: [Range<Int>]
    private let capacity: Int
    private let loss: TrainingLoss
    /// Share of the hidden outputs that a backward pass leaves out.
    private let dropout: Double
    private let hiddenStages: [Int]
    private var generator: SeededGenerator
    /// What each hidden output was multiplied by.
    private var masks: [Int: [Float]] = [:]
    /// The batch before the first layer and after each.
    private var values: [[Float]]
    /// The gradient of the loss by `values`; by the inputs nobody needs it.
    private var slopes: [[Float]]
    /// The gradient of the loss by each layer's parameters.
    private var parameterSlopes: [[Float]]
    /// The same for the whole network, in the order of its parameters.
    private(set) var gradient: [Float]

    /// - Parameters:
    ///   - capacity: most rows of a batch.
    ///   - dropout: share of the hidden outputs that a training step leaves out, the others made as much larger (Srivastava et al. 2014).
    init(for network: MultilayerPerceptron, capacity: Int, loss: TrainingLoss = .squared, dropout: Double = 0, seed: UInt64 = 0) {
        self.loss = loss
        self.dropout = dropout
        hiddenStages = network.hiddenStages
        generator = SeededGenerator(seed: seed, stream: 0x6472_6f70)
        layers = network.layers
        self.capacity = capacity
        var start = 0
        ranges = layers.map { layer in
            defer { start += layer.parameterCount }
            return start..<start + layer.parameterCount
        }
        values = ([network.inputWidth] + layers.map(\.outputWidth)).map { [Float](repeating: 0, count: capacity * $0) }
        slopes = [[]] + layers.map { [Float](repeating: 0, count: capacity * $0.outputWidth) }
        parameterSlopes = ranges.map { [Float](repeating: 0, count: $0.count) }
        gradient = [Float](repeating: 0, count: start)
    }

    /// The parameters on which weight decay acts.
    var decayed: [Range<Int>] {
        zip(layers, ranges).map { layer, range in range.lowerBound..<range.lowerBound + layer.decayedParameterCount }.filter { !$0.isEmpty }
    }

    /// Runs rows through the network and returns the sum of their weighted losses; the gradient of their mean is in `gradient` afterwards
    /// if `backward` is true.
    mutating func run(
        _ network: MultilayerPerceptron, rows: ArraySlice<Int>, inputs: [Float], head: [Int32], targets: [Float], hits: [Bool]? = nil,
        weights: [Float]?, backward: Bool
    ) -> Double {
        let count = rows.count
        precondition(count <= capacity, "the batch is larger than its buffers")
        gather(rows, of: inputs, width: network.inputWidth)
        forward(network, count: count, dropping: backward && dropout > 0)
        let heads = network.outputWidth
        if backward {
            for place in 0..<count * heads { slopes[layers.count][place] = 0 }
        }
        var sum = 0.0
        for (place, row) in rows.enumerated() {
            let outputs = loss.outputsPerHead
            let index = place * heads + Int(head[row]) * outputs
            let weight = weights?[row] ?? 1
            let second = outputs == 2 ? values[layers.count][index + 1] : 0
            let part = loss.row(values[layers.count][index], second, target: targets[row], hit: hits?[row] ?? false)
            sum += Double(weight) * part.loss
            guard backward else { continue }
            slopes[layers.count][index] = weight * part.first / Float(count)
            if outputs == 2 { slopes[layers.count][index + 1] = weight * part.second / Float(count) }
        }
        if backward { propagate(network, count: count) }
        return sum
    }

    private mutating func gather(_ rows: ArraySlice<Int>, of inputs: [Float], width: Int) {
        guard width > 0, let last = rows.max(), let first = rows.min() else { return }
        precondition(first >= 0 && (last + 1) * width <= inputs.count, "a row outside the inputs")
        // Reads rows that the line above found inside; writes at most `capacity` rows, as checked by the caller.
        unsafe values[0].withUnsafeMutableBufferPointer { batch in
            unsafe inputs.withUnsafeBufferPointer { inputs in
                guard var target = batch.baseAddress, let source = inputs.baseAddress else { return }
                for row in rows {
                    unsafe target.update(from: source + row * width, count: width)
                    unsafe target += width
                }
            }
        }
    }

    private mutating func forward(_ network: MultilayerPerceptron, count: Int, dropping: Bool) {
        for (index, layer) in layers.enumerated() {
            // Moved out and back, because a layer reads one of the buffers while it writes another.
            var output: [Float] = []
            swap(&output, &values[index + 1])
            var span = output.mutableSpan
            let input = values[index]
            layer.forward(input.span, rowCount: count, parameters: network.parameters.span.extracting(ranges[index]), into: &span)
            if dropping, hiddenStages.contains(index) {
                let keep = Float(1 / (1 - dropout))
                let mask = (0..<count * layer.outputWidth).map { _ in generator.uniform() < dropout ? 0 : keep }
                for place in mask.indices { output[place] *= mask[place] }
                masks[index] = mask
            }
            swap(&output, &values[index + 1])
        }
    }

    private mutating func propagate(_ network: MultilayerPerceptron, count: Int) {
        for index in layers.indices.reversed() {
            var inputSlopes: [Float] = []
            swap(&inputSlopes, &slopes[index])
            var inputSpan = inputSlopes.mutableSpan
            var parameterSpan = parameterSlopes[index].mutableSpan
            if dropout > 0, let mask = masks[index] {
                for place in 0..<count * layers[index].outputWidth {
                    slopes[index + 1][place] *= mask[place]
                    // A layer's derivative is at what it put out, not at what was left of it.
                    if mask[place] != 0 { values[index + 1][place] /= mask[place] }
                }
            }
            let (input, output, outputSlopes) = (values[index], values[index + 1], slopes[index + 1])
            layers[index].backward(
                input: input.span, output: output.span, outputGradient: outputSlopes.span, rowCount: count,
                parameters: network.parameters.span.extracting(ranges[index]), parameterGradient: &parameterSpan, inputGradient: &inputSpan)
            swap(&inputSlopes, &slopes[index])
            gradient.replaceSubrange(ranges[index], with: parameterSlopes[index])
        }
    }
}
