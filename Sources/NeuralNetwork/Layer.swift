/// One stage of a network in training: a function from a batch of rows to a batch of rows, and its derivative.
///
/// Batches are row-major. A span may hold more than `rowCount` rows; the surplus is not touched. A layer keeps no state between the two
/// passes: what the backward pass needs is its input, its output and its parameters. Parameters are a slice of the network's one array.
protocol Layer: Sendable {
    var inputWidth: Int { get }
    var outputWidth: Int { get }
    var parameterCount: Int { get }
    /// Weight decay acts on the first so many parameters (weights, not biases).
    var decayedParameterCount: Int { get }

    /// Writes the layer's output of `rowCount` rows.
    func forward(_ input: Span<Float>, rowCount: Int, parameters: Span<Float>, into output: inout MutableSpan<Float>)

    /// Carries the gradient of the loss from the layer's output to its parameters and its input; both gradients are overwritten.
    /// - Parameters:
    ///   - input: what the forward pass read.
    ///   - output: what the forward pass wrote.
    ///   - inputGradient: empty where nobody needs it (the first layer).
    func backward(
        input: Span<Float>, output: Span<Float>, outputGradient: Span<Float>, rowCount: Int, parameters: Span<Float>,
        parameterGradient: inout MutableSpan<Float>, inputGradient: inout MutableSpan<Float>)
}
