import HaggleMath

/// An affine map `z = x W + b`, W row-major with one row per input: `weights[input * outputWidth + output]`.
struct DenseLayer: Hashable, Sendable {
    let inputWidth: Int
    let outputWidth: Int
    var weights: [Float]
    var bias: [Float]

    /// Normal weights with standard deviation `gain / sqrt(inputWidth)`, bias 0.
    init(inputWidth: Int, outputWidth: Int, gain: Float, using generator: inout SeededGenerator) {
        self.inputWidth = inputWidth
        self.outputWidth = outputWidth
        let deviation = gain / Float(max(1, inputWidth)).squareRoot()
        weights = (0..<inputWidth * outputWidth).map { _ in deviation * Float(generator.normal()) }
        bias = [Float](repeating: 0, count: outputWidth)
    }

    init(inputWidth: Int, outputWidth: Int, weights: [Float], bias: [Float]) {
        precondition(weights.count == inputWidth * outputWidth && bias.count == outputWidth, "weights do not fit the layer's shape")
        self.inputWidth = inputWidth
        self.outputWidth = outputWidth
        self.weights = weights
        self.bias = bias
    }

    var parameterCount: Int { weights.count + bias.count }

    /// One row through the layer, in a fixed order of summation: bias first, then one input after the other.
    ///
    /// The inner loop runs over outputs, which are independent, so it vectorises without changing a bit, and a row gives the same bits
    /// alone or among others.
    @inline(__always)
    func apply(_ input: Span<Float>, into output: inout MutableSpan<Float>) {
        precondition(input.count >= inputWidth && output.count >= outputWidth, "a row does not fit the layer")
        // All four pointers are used inside their closures only, within the counts checked above and at initialisation.
        unsafe input.withUnsafeBufferPointer { input in
            unsafe output.withUnsafeMutableBufferPointer { output in
                unsafe weights.withUnsafeBufferPointer { weights in
                    unsafe bias.withUnsafeBufferPointer { bias in
                        for column in 0..<outputWidth { unsafe output[column] = unsafe bias[column] }
                        for row in 0..<inputWidth {
                            let value = unsafe input[row]
                            if value == 0 { continue }
                            let base = row * outputWidth
                            for column in 0..<outputWidth { unsafe output[column] += unsafe value * weights[base + column] }
                        }
                    }
                }
            }
        }
    }
}
