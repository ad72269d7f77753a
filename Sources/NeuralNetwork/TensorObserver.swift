/// Watches training: called after a pass with the network's weights and the gradients of the pass's last step, under the name of their layer.
package typealias TensorObserver = (_ epoch: EpochReport, _ tensors: [(name: String, weights: [Float], gradients: [Float])]) -> Void

extension MultilayerPerceptron {
    /// Weights and biases with their gradients, stage by stage from the input: `events0/embeddings`, `events0/gru`, `dense0/weights`,
    /// `dense0/bias`, `dense0/norm`, ..., `heads/weights`, `heads/bias`.
    /// - Parameter gradient: in the order of `parameters`.
    func tensors(gradient: [Float]) -> [(name: String, weights: [Float], gradients: [Float])] {
        var result: [(name: String, weights: [Float], gradients: [Float])] = []
        var start = 0
        func add(_ name: String, _ count: Int) {
            guard count > 0 else { return }
            let range = start..<start + count
            result.append((name, Array(parameters[range]), Array(gradient[range])))
            start += count
        }
        for (index, encoder) in encoders.enumerated() {
            add("events\(index)/embeddings", encoder.embeddingCount)
            add("events\(index)/\(encoder.kind.rawValue)", encoder.parameterCount - encoder.embeddingCount)
        }
        for (index, layer) in denseLayers.enumerated() {
            let name = index < hidden.count ? "dense\(index)" : "heads"
            add("\(name)/weights", layer.decayedParameterCount)
            add("\(name)/bias", layer.outputWidth)
            if layerNorm, index < hidden.count { add("\(name)/norm", 2 * layer.outputWidth) }
        }
        return result
    }
}
