import RealModule

/// The functions of swift-numerics that other modules need; only this module imports it.
///
/// Each is the platform's C library function: the same bits on one machine, within an ulp or so of the true value everywhere.
package enum ElementaryFunctions {
    /// log(1 + x), exact near 0; NaN below -1.
    package static func logOnePlus(_ x: Double) -> Double { Double.log(onePlus: x) }

    /// The hyperbolic tangent.
    package static func tanh(_ x: Float) -> Float { Float.tanh(x) }

    /// The sine of an angle in radians.
    package static func sin(_ x: Double) -> Double { Double.sin(x) }

    /// The cosine of an angle in radians.
    package static func cos(_ x: Double) -> Double { Double.cos(x) }

    /// e^x.
    package static func exp(_ x: Double) -> Double { Double.exp(x) }

    /// The natural logarithm; minus infinity at 0, NaN below.
    package static func log(_ x: Double) -> Double { Double.log(x) }

    /// The logistic function 1 / (1 + e^-x), without overflow at either end.
    package static func logistic(_ x: Double) -> Double {
        if x >= 0 { return 1 / (1 + Double.exp(-x)) }
        let power = Double.exp(x)
        return power / (1 + power)
    }

    /// log(1 + e^x), without overflow and exact in the left tail: the logarithm of the logistic function of -x, negated.
    package static func softplus(_ x: Double) -> Double { max(x, 0) + Double.log(onePlus: Double.exp(-abs(x))) }

    /// e^x.
    package static func exp(_ x: Float) -> Float { Float.exp(x) }

    /// The complementary error function 1 - erf(x), with full relative accuracy in the right tail.
    package static func erfc(_ x: Float) -> Float { Float.erfc(x) }
}
