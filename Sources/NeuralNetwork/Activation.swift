import HaggleMath

/// The function between two dense layers.
package enum Activation: String, Hashable, Sendable, Codable, CaseIterable {
    /// max(0, z).
    case relu
    /// z Phi(z) with the exact normal distribution function, not its tanh approximation (Hendrycks & Gimpel 2016).
    case gelu
    case tanh
}

extension Activation {
    /// Replaces each of `count` numbers by its function value.
    @inline(__always)
    func apply(to values: UnsafeMutablePointer<Float>, count: Int) {
        // The caller vouches for `count` initialised numbers.
        switch self {
        case .relu: for index in 0..<count { unsafe values[index] = unsafe values[index] > 0 ? values[index] : 0 }
        case .gelu: for index in 0..<count { unsafe values[index] = Self.gelu(values[index]) }
        case .tanh: for index in 0..<count { unsafe values[index] = ElementaryFunctions.tanh(values[index]) }
        }
    }

    /// z Phi(z). By the complementary error function, because 1 + erf loses every digit for z below -5.
    @inline(__always)
    static func gelu(_ z: Float) -> Float { 0.5 * z * ElementaryFunctions.erfc(-z * 0.707_106_77) }

    /// Phi(z) + z phi(z).
    @inline(__always)
    static func geluDerivative(_ z: Float) -> Float {
        0.5 * ElementaryFunctions.erfc(-z * 0.707_106_77) + z * 0.398_942_3 * ElementaryFunctions.exp(-0.5 * z * z)
    }
}
