/// A sum whose rounding error does not grow with its length (Neumaier 1974, an improvement of Kahan's).
///
/// Error at most about 2 ulps of the sum of absolute values times machine epsilon, independent of n up to n * epsilon^2. Infinite or NaN
/// terms give NaN or infinity, as plain addition does.
package struct CompensatedSum: Hashable, Sendable, Codable {
    private var total: Double
    private var compensation: Double

    package init() {
        total = 0
        compensation = 0
    }

    /// Restores a sum from its parts.
    package init(total: Double, compensation: Double) {
        self.total = total
        self.compensation = compensation
    }

    /// What the sum consists of, for writing it exactly.
    package var parts: (total: Double, compensation: Double) { (total, compensation) }

    /// The sum so far.
    package var value: Double { total + compensation }

    /// Adds one term. O(1).
    @inline(__always)
    package mutating func add(_ term: Double) {
        let sum = total + term
        compensation += abs(total) >= abs(term) ? (total - sum) + term : (term - sum) + total
        total = sum
    }

    /// Adds another sum, as if its terms had been added here (to the last bits).
    package mutating func merge(_ other: Self) {
        add(other.total)
        compensation += other.compensation
    }

    package static func += (sum: inout Self, term: Double) { sum.add(term) }
}
