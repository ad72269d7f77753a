import HaggleMath

/// What training minimises, and what an output of the network means under it.
///
/// Targets are standardised by the caller, so that a distance of 1 is one standard deviation of the rewards.
package enum TrainingLoss: String, Hashable, Sendable, Codable, CaseIterable {
    /// (yhat - y)^2; the output is the standardised reward.
    case squared
    /// Squared up to a distance of 1, then `2 |yhat - y| - 1` (Huber 1964, with delta = 1, twice the usual scale).
    case huber
    /// `-y log p - (1 - y) log(1 - p)` with p the logistic function of the output.
    case bernoulli
    /// Two outputs a head: the logit of a conversion, by cross-entropy, and the standardised value given one, by squared error on the rows
    /// that converted.
    case twoPart = "two-part"

    /// Outputs of the network for one head.
    package var outputsPerHead: Int { self == .twoPart ? 2 : 1 }

    /// One row's loss, and its derivatives by the outputs of its head.
    /// - Parameters:
    ///   - first: the head's output; of `twoPart` the logit.
    ///   - second: of `twoPart` the value given a conversion.
    ///   - target: the standardised reward (0 or 1 of `bernoulli`; of `twoPart` the standardised value of a row that converted).
    ///   - hit: whether the row converted; only `twoPart` looks at it.
    @inline(__always)
    func row(_ first: Float, _ second: Float, target: Float, hit: Bool) -> (loss: Double, first: Float, second: Float) {
        switch self {
        case .squared:
            let error = first - target
            return (Double(error) * Double(error), 2 * error, 0)
        case .huber:
            let error = first - target
            if abs(error) <= 1 { return (Double(error) * Double(error), 2 * error, 0) }
            return (2 * abs(Double(error)) - 1, error > 0 ? 2 : -2, 0)
        case .bernoulli: return Self.crossEntropy(first, target)
        case .twoPart:
            var result = Self.crossEntropy(first, hit ? 1 : 0)
            guard hit else { return result }
            let error = second - target
            result.loss += Double(error) * Double(error)
            result.second = 2 * error
            return result
        }
    }

    /// `log(1 + e^z) - y z`, without overflow.
    private static func crossEntropy(_ logit: Float, _ target: Float) -> (loss: Double, first: Float, second: Float) {
        let z = Double(logit)
        return (ElementaryFunctions.softplus(z) - Double(target) * z, Float(ElementaryFunctions.logistic(z)) - target, 0)
    }
}
