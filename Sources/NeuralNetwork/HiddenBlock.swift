/// A hidden layer with everything around it: dense, normalised if asked for, activation, and its input added where widths allow (He et al. 2016).
///
/// Parameters: the dense layer's, then the normalisation's.
struct HiddenBlock: Layer {
    let dense: DenseLayer
    let norm: LayerNormLayer?
    let activation: Activation
    let isResidual: Bool

    init(_ dense: DenseLayer, activation: Activation, layerNorm: Bool, residual: Bool) {
        self.dense = dense
        self.activation = activation
        norm = layerNorm ? LayerNormLayer(width: dense.outputWidth) : nil
        isResidual = residual && dense.inputWidth == dense.outputWidth
    }

    var inputWidth: Int { dense.inputWidth }
    var outputWidth: Int { dense.outputWidth }
    var parameterCount: Int { dense.parameterCount + (norm?.parameterCount ?? 0) }
    var decayedParameterCount: Int { dense.decayedParameterCount }

    private var normRange: Range<Int> { dense.parameterCount..<parameterCount }
    private var activationLayer: ActivationLayer { ActivationLayer(width: outputWidth, activation: activation) }

    /// The outputs of the dense layer, of the normalisation and of the activation.
    private func stages(_ input: Span<Float>, rowCount: Int, parameters: Span<Float>) -> (dense: [Float], normal: [Float], active: [Float])
    {
        let count = rowCount * outputWidth
        var linear = [Float](repeating: 0, count: count)
        var linearSpan = linear.mutableSpan
        dense.forward(input, rowCount: rowCount, parameters: parameters.extracting(0..<dense.parameterCount), into: &linearSpan)
        var normal = linear
        if let norm {
            var span = normal.mutableSpan
            norm.forward(linear.span, rowCount: rowCount, parameters: parameters.extracting(normRange), into: &span)
        }
        var active = normal
        var span = active.mutableSpan
        activationLayer.forward(normal.span, rowCount: rowCount, parameters: parameters, into: &span)
        return (linear, normal, active)
    }

    func forward(_ input: Span<Float>, rowCount: Int, parameters: Span<Float>, into output: inout MutableSpan<Float>) {
        let active = stages(input, rowCount: rowCount, parameters: parameters).active
        for index in 0..<rowCount * outputWidth { output[index] = isResidual ? active[index] + input[index] : active[index] }
    }

    func backward(
        input: Span<Float>, output: Span<Float>, outputGradient: Span<Float>, rowCount: Int, parameters: Span<Float>,
        parameterGradient: inout MutableSpan<Float>, inputGradient: inout MutableSpan<Float>
    ) {
        let count = rowCount * outputWidth
        let stages = stages(input, rowCount: rowCount, parameters: parameters)
        var none: [Float] = []
        var noneSpan = none.mutableSpan
        var slope = [Float](repeating: 0, count: count)
        var slopeSpan = slope.mutableSpan
        activationLayer.backward(
            input: stages.normal.span, output: stages.active.span, outputGradient: outputGradient, rowCount: rowCount,
            parameters: parameters,
            parameterGradient: &noneSpan, inputGradient: &slopeSpan)
        if let norm {
            var lower = [Float](repeating: 0, count: count)
            var lowerSpan = lower.mutableSpan
            var part = parameterGradient.extracting(dense.parameterCount..<parameterCount)
            norm.backward(
                input: stages.dense.span, output: stages.normal.span, outputGradient: slope.span, rowCount: rowCount,
                parameters: parameters.extracting(normRange), parameterGradient: &part, inputGradient: &lowerSpan)
            slope = lower
        }
        var part = parameterGradient.extracting(0..<dense.parameterCount)
        dense.backward(
            input: input, output: stages.dense.span, outputGradient: slope.span, rowCount: rowCount,
            parameters: parameters.extracting(0..<dense.parameterCount), parameterGradient: &part, inputGradient: &inputGradient)
        guard isResidual, !inputGradient.isEmpty else { return }
        for index in 0..<count { inputGradient[index] += outputGradient[index] }
    }

    /// One row, in the order of serving.
    func forward(row input: [Float], parameters: Span<Float>) -> [Float] {
        var output = [Float](repeating: 0, count: outputWidth)
        // The lengths are the layer's own.
        unsafe input.withUnsafeBufferPointer { input in
            unsafe output.withUnsafeMutableBufferPointer { output in
                unsafe parameters.withUnsafeBufferPointer { parameters in
                    guard let input = input.baseAddress, let output = output.baseAddress, let parameters = parameters.baseAddress else {
                        return
                    }
                    unsafe dense.forward(row: input, parameters: parameters, into: output)
                }
            }
        }
        norm?.apply(to: &output, parameters: parameters.extracting(normRange))
        unsafe output.withUnsafeMutableBufferPointer { output in
            if let output = output.baseAddress { unsafe activation.apply(to: output, count: outputWidth) }
        }
        if isResidual { for index in output.indices { output[index] += input[index] } }
        return output
    }
}
