/// Watches training: called after a pass with the network's weights and the gradients of the pass's last step, under the name of their layer.
package typealias TensorObserver = (_ epoch: EpochReport, _ tensors: [(name: String, weights: [Float], gradients: [Float])]) -> Void

extension MultilayerPerceptron {
    /// Weights and biases with their gradients, layer by layer from the input: `dense0/weights`, `dense0/bias`, ..., `heads/weights`,
    /// `heads/bias`.
    /// - Parameter gradient: in the order of `parameters`.
    func tensors(gradient: [Float]) -> [(name: String, weights: [Float], gradients: [Float])] {
        var result: [(name: String, weights: [Float], gradients: [Float])] = []
        var start = 0
        for (index, layer) in denseLayers.enumerated() {
            let name = index < hidden.count ? "dense\(index)" : "heads"
            for (part, count) in [
                ("weights", layer.decayedParameterCount), ("bias", layer.parameterCount - layer.decayedParameterCount),
            ] {
                let range = start..<start + count
                result.append(("\(name)/\(part)", Array(parameters[range]), Array(gradient[range])))
                start += count
            }
        }
        return result
    }
}
