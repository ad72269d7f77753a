import Foundation

/// The function between two dense layers.
package enum Activation: String, Hashable, Sendable, Codable, CaseIterable {
    /// max(0, z).
    case relu
    /// z Phi(z) with the exact normal distribution function, not its tanh approximation (Hendrycks & Gimpel 2016).
    case gelu
    case tanh

    /// The function's value.
    @inline(__always)
    func callAsFunction(_ z: Float) -> Float {
        switch self {
        case .relu: max(0, z)
        case .gelu: 0.5 * z * erfc(-z * 0.707_106_77)
        case .tanh: Foundation.tanh(z)
        }
    }

    /// The derivative at the pre-activation `z`; at the kink of ReLU it is 0.
    @inline(__always)
    func derivative(_ z: Float) -> Float {
        switch self {
        case .relu: return z > 0 ? 1 : 0
        case .gelu: return 0.5 * erfc(-z * 0.707_106_77) + z * 0.398_942_3 * exp(-0.5 * z * z)
        case .tanh:
            let value = Foundation.tanh(z)
            return 1 - value * value
        }
    }

    /// Gain of the initial weights' standard deviation over sqrt(1 / fan-in): He et al. 2015 for the rectifiers, Glorot & Bengio 2010 for tanh.
    var gain: Float { self == .tanh ? 1 : Float(2).squareRoot() }
}
