/// The first stage of a network over events: the plain columns go through, each block of events becomes its encoder's columns.
struct SequenceLayer: Layer {
    /// Columns that go through, the first of a row.
    let plainWidth: Int
    /// Their blocks lie behind the plain columns, in order.
    let encoders: [SequenceEncoder]

    var inputWidth: Int { plainWidth + encoders.reduce(0) { $0 + $1.inputWidth } }
    var outputWidth: Int { plainWidth + encoders.reduce(0) { $0 + $1.outputWidth } }
    var parameterCount: Int { encoders.reduce(0) { $0 + $1.parameterCount } }
    var decayedParameterCount: Int { parameterCount }

    func forward(_ input: Span<Float>, rowCount: Int, parameters: Span<Float>, into output: inout MutableSpan<Float>) {
        for row in 0..<rowCount { forward(row: input, at: row * inputWidth, parameters: parameters, into: &output, at: row * outputWidth) }
    }

    /// One row: the same bits whoever calls.
    func forward(row input: Span<Float>, at start: Int, parameters: Span<Float>, into output: inout MutableSpan<Float>, at target: Int) {
        for column in 0..<plainWidth { output[target + column] = input[start + column] }
        var (source, column, offset) = (start + plainWidth, target + plainWidth, 0)
        for encoder in encoders {
            encoder.forward(
                input, at: source, parameters: parameters.extracting(offset..<offset + encoder.parameterCount), into: &output, at: column)
            source += encoder.inputWidth
            column += encoder.outputWidth
            offset += encoder.parameterCount
        }
    }

    func backward(
        input: Span<Float>, output: Span<Float>, outputGradient: Span<Float>, rowCount: Int, parameters: Span<Float>,
        parameterGradient: inout MutableSpan<Float>, inputGradient: inout MutableSpan<Float>
    ) {
        // Always the first stage: nobody asks for the gradient by its input.
        for index in 0..<parameterCount { parameterGradient[index] = 0 }
        for row in 0..<rowCount {
            var (source, column, offset) = (row * inputWidth + plainWidth, row * outputWidth + plainWidth, 0)
            for encoder in encoders {
                let range = offset..<offset + encoder.parameterCount
                var part = parameterGradient.extracting(range)
                encoder.backward(
                    input, at: source, parameters: parameters.extracting(range), outputGradient: outputGradient, at: column, into: &part)
                source += encoder.inputWidth
                column += encoder.outputWidth
                offset += encoder.parameterCount
            }
        }
    }
}
