package import Reporting

/// Weights and gradients of a network after one pass, as histograms.
package struct TensorPass: Hashable, Sendable {
    package struct Tensor: Hashable, Sendable {
        /// Layer and part: `dense0/weights`.
        package let name: String
        package let weights: TensorBoardHistogram
        /// Of the pass's last step.
        package let gradients: TensorBoardHistogram
    }

    /// From 1.
    package let epoch: Int
    package let tensors: [Tensor]

    /// Only the histograms are kept: a network's weights are many.
    init(epoch: Int, tensors: [(name: String, weights: [Float], gradients: [Float])]) {
        self.epoch = epoch
        self.tensors = tensors.map {
            Tensor(name: $0.name, weights: TensorBoardHistogram($0.weights), gradients: TensorBoardHistogram($0.gradients))
        }
    }
}
