/// What training refuses.
package enum NeuralNetworkError: Error, Hashable, Sendable, CustomStringConvertible {
    case noRows
    case shapeMismatch(rowCount: Int, inputWidth: Int)
    case unknownHead(outputWidth: Int)
    case notFinite
    /// The loss stopped being finite before any pass had succeeded.
    case diverged(epoch: Int)
    case cancelled

    package var description: String {
        switch self {
        case .noRows: "a network cannot be trained on no rows"
        case .shapeMismatch(let rows, let width): "the training arrays do not fit \(rows) rows of \(width) inputs"
        case .unknownHead(let width): "a row trains a head that the network does not have; it has \(width)"
        case .notFinite: "an input or target is NaN or infinite"
        case .diverged(let epoch): "the loss stopped being finite in pass \(epoch); lower policy.model.learning_rate"
        case .cancelled: "training was cancelled"
        }
    }
}
