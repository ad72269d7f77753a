import HaggleMath

extension MeanEstimator {
    /// Bounds of one row's score, if rewards lie in `rewards`, the reward model's estimates too, and weights in 0...`largestWeight`.
    ///
    /// A score is a sum of terms: `t(w) r` lies between the end of rewards times the largest t(w) and 0 (or the other end), `q^pi` in the range
    /// of rewards, and `t(w) (r - q)` within the width of that range times the largest t(w) of 0.
    /// - Returns: nil where some term has no such bounds.
    func scoreRange(rewards: ClosedRange<Double>, largestWeight: Double) -> ClosedRange<Double>? {
        var lower = 0.0
        var upper = 0.0
        for term in terms {
            switch term {
            case .weight(let transform):
                guard let top = transform.supremum(largestWeight: largestWeight) else { return nil }
                upper += top
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
            }
        }
        return lower.isFinite && upper.isFinite ? lower...upper : nil
    }
}

extension WeightTransform {
    /// The largest value on weights in 0...`largestWeight`; nil where that is not bounded.
    func supremum(largestWeight: Double) -> Double? {
        switch self {
        case .plain: largestWeight.ifFinite
        case .clipped(let limit): min(limit, largestWeight)
        }
    }
}
