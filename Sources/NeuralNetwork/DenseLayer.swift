import HaggleMath

/// y = x W + b.
///
/// Its parameters: the weights input-major (all weights of input 0, then of input 1, ...), then the biases.
struct DenseLayer: Layer, Hashable {
    let inputWidth: Int
    let outputWidth: Int

    var parameterCount: Int { (inputWidth + 1) * outputWidth }
    var decayedParameterCount: Int { inputWidth * outputWidth }

    func forward(_ input: Span<Float>, rowCount: Int, parameters: Span<Float>, into output: inout MutableSpan<Float>) {
        let width = outputWidth
        let weightCount = decayedParameterCount
        // Every index is below rowCount * width or parameterCount, which the spans hold.
        unsafe output.withUnsafeMutableBufferPointer { output in
            unsafe parameters.withUnsafeBufferPointer { parameters in
                for row in 0..<rowCount {
                    for column in 0..<width { unsafe output[row * width + column] = parameters[weightCount + column] }
                }
            }
        }
        BLAS.multiply(
            input, .asStored, parameters, .asStored, rows: rowCount, inner: inputWidth, columns: width, keep: 1, into: &output)
    }

    func backward(
        input: Span<Float>, output: Span<Float>, outputGradient: Span<Float>, rowCount: Int, parameters: Span<Float>,
        parameterGradient: inout MutableSpan<Float>, inputGradient: inout MutableSpan<Float>
    ) {
        let width = outputWidth
        let weightCount = decayedParameterCount
        BLAS.multiply(
            input, .transposed, outputGradient, .asStored, rows: inputWidth, inner: rowCount, columns: width, into: &parameterGradient)
        // Every index is below rowCount * width or parameterCount, which the spans hold.
        unsafe parameterGradient.withUnsafeMutableBufferPointer { gradient in
            unsafe outputGradient.withUnsafeBufferPointer { outputGradient in
                for column in 0..<width { unsafe gradient[weightCount + column] = 0 }
                for row in 0..<rowCount {
                    for column in 0..<width { unsafe gradient[weightCount + column] += outputGradient[row * width + column] }
                }
            }
        }
        guard !inputGradient.isEmpty else { return }
        BLAS.multiply(
            outputGradient, .asStored, parameters, .transposed, rows: rowCount, inner: width, columns: inputWidth, into: &inputGradient)
    }
}

extension DenseLayer {
    /// Normal weights with variance 2/inputs before ReLU and GELU (He et al. 2015), 1/inputs before tanh (LeCun et al. 1998; Glorot & Bengio
    /// 2010 for layers of equal width); biases 0. Heads (nil) start at a tenth of that: an untrained network predicts nearly nothing.
    func startingParameters(before activation: Activation?, using generator: inout SeededGenerator) -> [Float] {
        let gain =
            switch activation {
            case .relu, .gelu: 2.0.squareRoot()
            case .tanh: 1.0
            case nil: 0.1
            }
        let deviation = gain / Double(max(1, inputWidth)).squareRoot()
        return (0..<parameterCount).map { $0 < decayedParameterCount ? Float(deviation * generator.normal()) : 0 }
    }

    /// The layer's output of one row: the forward pass of serving, audit and evaluation.
    ///
    /// `output[j] = (((b[j] + x[0] W[0][j]) + x[1] W[1][j]) + ...)`, rounded after every operation: the order of summation is the order of
    /// the inputs, whatever the compiler vectorises across j, so a row has the same bits alone and in a batch.
    @inline(__always)
    func forward(row input: UnsafePointer<Float>, parameters: UnsafePointer<Float>, into output: UnsafeMutablePointer<Float>) {
        let width = outputWidth
        // The caller vouches for inputWidth inputs, parameterCount parameters and outputWidth outputs, none of them overlapping.
        let biases = unsafe parameters + inputWidth * width
        for column in 0..<width { unsafe output[column] = biases[column] }
        var weights = unsafe parameters
        var index = 0
        // Four inputs a turn save three loads and stores of the output; the order of additions stays.
        while index + 4 <= inputWidth {
            let (x0, x1) = unsafe (input[index], input[index + 1])
            let (x2, x3) = unsafe (input[index + 2], input[index + 3])
            let (w0, w1) = unsafe (weights, weights + width)
            let (w2, w3) = unsafe (weights + 2 * width, weights + 3 * width)
            for column in 0..<width {
                unsafe output[column] = (((output[column] + x0 * w0[column]) + x1 * w1[column]) + x2 * w2[column]) + x3 * w3[column]
            }
            unsafe weights += 4 * width
            index += 4
        }
        while index < inputWidth {
            let x = unsafe input[index]
            for column in 0..<width { unsafe output[column] += x * weights[column] }
            unsafe weights += width
            index += 1
        }
    }
}
