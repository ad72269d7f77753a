import HaggleMath

/// The activation function of a layer, as a stage of its own.
struct ActivationLayer: Layer, Hashable {
    let width: Int
    let activation: Activation

    var inputWidth: Int { width }
    var outputWidth: Int { width }
    var parameterCount: Int { 0 }
    var decayedParameterCount: Int { 0 }

    func forward(_ input: Span<Float>, rowCount: Int, parameters: Span<Float>, into output: inout MutableSpan<Float>) {
        let count = rowCount * width
        precondition(input.count >= count && output.count >= count, "the batch does not fit its buffers")
        // `count` numbers are there, as just checked.
        unsafe input.withUnsafeBufferPointer { input in
            unsafe output.withUnsafeMutableBufferPointer { output in
                guard let source = input.baseAddress, let target = output.baseAddress else { return }
                unsafe target.update(from: source, count: count)
                unsafe activation.apply(to: target, count: count)
            }
        }
    }

    func backward(
        input: Span<Float>, output: Span<Float>, outputGradient: Span<Float>, rowCount: Int, parameters: Span<Float>,
        parameterGradient: inout MutableSpan<Float>, inputGradient: inout MutableSpan<Float>
    ) {
        let count = rowCount * width
        guard !inputGradient.isEmpty else { return }
        precondition(
            input.count >= count && output.count >= count && outputGradient.count >= count && inputGradient.count >= count,
            "the batch does not fit its buffers")
        // `count` numbers are there in each, as just checked.
        unsafe input.withUnsafeBufferPointer { z in
            unsafe output.withUnsafeBufferPointer { y in
                unsafe outputGradient.withUnsafeBufferPointer { upper in
                    unsafe inputGradient.withUnsafeMutableBufferPointer { lower in
                        switch activation {
                        case .relu: for index in 0..<count { unsafe lower[index] = z[index] > 0 ? upper[index] : 0 }
                        case .gelu: for index in 0..<count { unsafe lower[index] = upper[index] * Activation.geluDerivative(z[index]) }
                        case .tanh: for index in 0..<count { unsafe lower[index] = upper[index] * (1 - y[index] * y[index]) }
                        }
                    }
                }
            }
        }
    }
}
