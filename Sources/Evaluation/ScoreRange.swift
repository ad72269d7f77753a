import HaggleMath

extension MeanEstimator {
    /// Bounds of one row's score, if rewards lie in `rewards`, the reward model's estimates too, and weights in 0...`largestWeight`.
    ///
    /// A score is a sum of terms: `t(w) r` lies between 0 and the ends of the range times the largest t(w), `q^pi` in the range of rewards, and
    /// `t(w) (r - q)` within that range's width times the largest t(w) of 0.
    /// - Returns: nil where some term has no such bounds.
    func scoreRange(rewards: ClosedRange<Double>, largestWeight: Double) -> ClosedRange<Double>? {
        var lower = 0.0
        var upper = 0.0
        for term in terms {
            switch term {
            case .reward(let transform):
                guard let top = transform.supremum(largestWeight: largestWeight) else { return nil }
                lower += min(0, top * rewards.lowerBound)
                upper += max(0, top * rewards.upperBound)
            case .modelValue:
                lower += rewards.lowerBound
                upper += rewards.upperBound
            case .correction(let transform):
                guard let top = transform.supremum(largestWeight: largestWeight) else { return nil }
                let reach = top * (rewards.upperBound - rewards.lowerBound)
                lower -= reach
                upper += reach
            default: return nil
            }
        }
        return lower.isFinite && upper.isFinite && lower < upper ? lower...upper : nil
    }
}

extension WeightTransform {
    /// A bound for the transform of weights in 0...`largestWeight`; nil where there is none.
    func supremum(largestWeight: Double) -> Double? {
        switch self {
        case .plain: largestWeight.ifFinite
        case .clipped(let limit), .switched(let limit): min(limit, largestWeight)
        // w / (w^2 / lambda + 1) is largest at w = sqrt(lambda).
        case .shrunk(let lambda): self(min(lambda.squareRoot(), largestWeight))
        case .subgaussian(let lambda): largestWeight.isFinite ? self(largestWeight) : lambda > 0 ? 1 / lambda : nil
        case .squared: (largestWeight * largestWeight).ifFinite
        case .one: 1
        }
    }
}
