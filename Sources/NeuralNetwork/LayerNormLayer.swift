/// Layer normalisation (Ba, Kiros & Hinton 2016): `y = g (x - mean) / sqrt(variance + 1e-5) + b` over the columns of each row.
///
/// Its parameters: the gains, then the shifts.
struct LayerNormLayer: Layer, Hashable {
    let width: Int

    var inputWidth: Int { width }
    var outputWidth: Int { width }
    var parameterCount: Int { 2 * width }
    var decayedParameterCount: Int { 0 }

    var startingParameters: [Float] { [Float](repeating: 1, count: width) + [Float](repeating: 0, count: width) }

    func forward(_ input: Span<Float>, rowCount: Int, parameters: Span<Float>, into output: inout MutableSpan<Float>) {
        for row in 0..<rowCount {
            let (mean, inverse) = moments(input, at: row * width)
            for column in 0..<width {
                output[row * width + column] =
                    parameters[column] * ((input[row * width + column] - mean) * inverse) + parameters[width + column]
            }
        }
    }

    /// The same for one row where it lies.
    func apply(to values: inout [Float], parameters: Span<Float>) {
        let (mean, inverse) = moments(values.span, at: 0)
        for column in 0..<width { values[column] = parameters[column] * ((values[column] - mean) * inverse) + parameters[width + column] }
    }

    private func moments(_ input: Span<Float>, at start: Int) -> (mean: Float, inverse: Float) {
        var sum: Float = 0
        for column in 0..<width { sum += input[start + column] }
        let mean = sum / Float(width)
        var squares: Float = 0
        for column in 0..<width {
            let distance = input[start + column] - mean
            squares += distance * distance
        }
        return (mean, 1 / (squares / Float(width) + 1e-5).squareRoot())
    }

    func backward(
        input: Span<Float>, output: Span<Float>, outputGradient: Span<Float>, rowCount: Int, parameters: Span<Float>,
        parameterGradient: inout MutableSpan<Float>, inputGradient: inout MutableSpan<Float>
    ) {
        for index in 0..<2 * width { parameterGradient[index] = 0 }
        for row in 0..<rowCount {
            let start = row * width
            let (mean, inverse) = moments(input, at: start)
            var (sum, product): (Float, Float) = (0, 0)
            for column in 0..<width {
                let normal = (input[start + column] - mean) * inverse
                let slope = outputGradient[start + column]
                parameterGradient[column] += slope * normal
                parameterGradient[width + column] += slope
                sum += slope * parameters[column]
                product += slope * parameters[column] * normal
            }
            guard !inputGradient.isEmpty else { continue }
            for column in 0..<width {
                let normal = (input[start + column] - mean) * inverse
                let slope = outputGradient[start + column] * parameters[column]
                inputGradient[start + column] = inverse * (slope - (sum + normal * product) / Float(width))
            }
        }
    }
}
