/// Probabilities over an experiment's arms: what a policy returns, what the draw reads, what the log keeps. They sum to 1 by construction.
///
/// Arms are positions in configuration order. Arms that are not eligible have probability exactly 0.
package struct ArmDistribution: Hashable, Sendable {
    /// One probability per arm of the experiment, in configuration order.
    package private(set) var probabilities: [Double]

    private init(unchecked probabilities: [Double]) { self.probabilities = probabilities }

    /// A policy's weights with its exploration floor: `p = f + (1 - K f) w` for each of the K eligible arms.
    ///
    /// Additive and not clipped-and-renormalised, because the latter would shift probability between the arms above the floor.
    /// - Parameters:
    ///   - weights: one finite, non-negative weight per arm of the experiment; only eligible arms are read. They are normalised; where they
    ///     sum to 0 the eligible arms share equally.
    ///   - floor: least probability f of each eligible arm, `0 <= K f <= 1`.
    ///   - eligible: positions of the eligible arms, ascending, not empty.
    package init(weights: [Double], floor: Double, eligible: [Int]) {
        probabilities = []
        replace(weights: weights, floor: floor, eligible: eligible)
    }

    /// Makes this the distribution that `init(weights:floor:eligible:)` makes, in the memory it has.
    package mutating func replace(weights: [Double], floor: Double, eligible: [Int]) {
        precondition(!eligible.isEmpty, "a distribution needs at least one eligible arm")
        let count = Double(eligible.count)
        precondition(floor >= 0 && floor * count <= 1 + 1e-12, "floor times eligible arms must lie in 0...1")
        var total = 0.0
        for arm in eligible {
            precondition(weights[arm] >= 0 && weights[arm].isFinite, "weights must be finite and non-negative")
            total += weights[arm]
        }
        let free = max(0, 1 - count * floor)
        if probabilities.count != weights.count { probabilities = [Double](repeating: 0, count: weights.count) }
        for arm in probabilities.indices { probabilities[arm] = 0 }
        for arm in eligible {
            probabilities[arm] = floor + free * (total > 0 ? weights[arm] / total : 1 / count)
        }
    }

    /// Everything on one arm.
    package static func certain(_ arm: Int, of armCount: Int) -> Self {
        var result = [Double](repeating: 0, count: armCount)
        result[arm] = 1
        return Self(unchecked: result)
    }

    /// The same probability for each eligible arm.
    package static func even(over eligible: [Int], of armCount: Int) -> Self {
        Self(weights: [Double](repeating: 1, count: armCount), floor: 0, eligible: eligible)
    }

    /// Probabilities that came from outside (a log row, a file) and were checked there to sum to 1 within `tolerance`; kept as given.
    /// - Returns: nil where a value is negative or not finite, or the sum is off.
    package init?(given probabilities: [Double], tolerance: Double = 1e-6) {
        var total = 0.0
        for value in probabilities {
            guard value >= 0, value.isFinite else { return nil }
            total += value
        }
        guard abs(total - 1) <= tolerance else { return nil }
        self.probabilities = probabilities
    }

    /// The probability of one arm.
    package subscript(arm: Int) -> Double { probabilities[arm] }

    /// The only place where an arm is drawn: inverse of the cumulative distribution in configuration order.
    ///
    /// Rounding may leave the cumulative sum a few ulps below 1; a uniform above it draws the last arm that has a probability.
    /// - Parameter uniform: in `0..<1`.
    /// - Returns: an arm with a probability above 0.
    package func draw(_ uniform: Double) -> Int {
        precondition(uniform >= 0 && uniform < 1, "the draw needs a number in 0..<1")
        var cumulative = 0.0
        var last = 0
        for (arm, probability) in probabilities.enumerated() where probability > 0 {
            cumulative += probability
            last = arm
            if uniform < cumulative { return arm }
        }
        return last
    }
}

extension ArmDistribution: Codable {
    package init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        guard let read = ArmDistribution(given: try container.decode([Double].self)) else {
            throw DecodingError.dataCorruptedError(in: container, debugDescription: "expected non-negative probabilities that sum to 1")
        }
        self = read
    }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(probabilities)
    }
}
