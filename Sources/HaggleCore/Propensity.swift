/// The probability that the logging policy gave to the chosen arm at that moment: `0 < p <= 1`.
package struct Propensity: Hashable, Sendable {
    package let value: Double

    /// - Returns: nil unless `0 < value <= 1`.
    package init?(_ value: Double) {
        guard value > 0, value <= 1 else { return nil }
        self.value = value
    }
}
