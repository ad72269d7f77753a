/// Count, mean and variance of a stream of numbers (Welford 1962; merging by Chan, Golub & LeVeque 1983).
package struct RunningMoments: Hashable, Sendable, Codable {
    package private(set) var count = 0
    /// 0 without numbers.
    package private(set) var mean = 0.0
    /// Sum of squared distances from the mean.
    private var squares = 0.0

    package init() {}

    /// Adds one number. O(1).
    package mutating func add(_ value: Double) {
        count += 1
        let distance = value - mean
        mean += distance / Double(count)
        squares += distance * (value - mean)
    }

    /// Adds another's numbers.
    package mutating func merge(_ other: Self) {
        guard other.count > 0 else { return }
        let total = Double(count + other.count)
        let distance = other.mean - mean
        squares += other.squares + distance * distance * (Double(count) / total) * Double(other.count)
        mean += distance * (Double(other.count) / total)
        count += other.count
    }

    /// The variance with ddof 1; nil with fewer than two numbers.
    package var variance: Double? { count >= 2 ? max(0, squares) / Double(count - 1) : nil }

    /// The squared standard error of the mean; nil with fewer than two numbers.
    package var squaredError: Double? { variance.map { $0 / Double(count) } }
}
