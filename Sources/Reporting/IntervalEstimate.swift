/// A number with its doubt: the only form in which pages show an estimate.
package struct IntervalEstimate: Hashable, Sendable, Codable {
    package var value: Double
    package var lower: Double
    package var upper: Double
    /// Confidence level of the interval.
    package var level: Double
    /// How the interval was made, in words: `normal, clustered by unit`.
    package var method: String

    package init(value: Double, lower: Double, upper: Double, level: Double = 0.95, method: String) {
        self.value = value
        self.lower = lower
        self.upper = upper
        self.level = level
        self.method = method
    }

    /// Half the width of the interval.
    package var spread: Double { (upper - lower) / 2 }

    /// `value (lower to upper)`.
    package func text(_ quantity: Quantity, isSigned: Bool = false) -> String {
        quantity.text(value, spread: spread, isSigned: isSigned) + " (" + quantity.text(lower: lower, upper: upper, isSigned: isSigned)
            + ")"
    }
}
