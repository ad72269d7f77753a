extension EvaluationOptions {
    /// Whether everything is declared that the intervals asked for rest on.
    /// - Throws: `EvaluationError.badOption` or `.intervalNeedsOption`.
    func validateIntervals() throws(EvaluationError) {
        if let rewardRange, !(rewardRange.lowerBound < rewardRange.upperBound && (rewardRange.upperBound - rewardRange.lowerBound).isFinite)
        {
            throw .badOption(
                name: "reward range", expected: "two numbers, the lower one first",
                found: "\(rewardRange.lowerBound),\(rewardRange.upperBound)")
        }
        if let weightBound, !(weightBound >= 1 && weightBound.isFinite) {
            throw .badOption(name: "weight bound", expected: "a number of at least 1, such as 1 / floor", found: "\(weightBound)")
        }
        if intervals.isEmpty || Set(intervals).count < intervals.count {
            throw .badOption(
                name: "interval", expected: "at least one method, each once", found: intervals.map(\.rawValue).joined(separator: ", "))
        }
        for method in intervals {
            switch method {
            case .normal, .bootstrap, .studentT, .clopperPearson, .asymptoticAnytime: continue
            case .hoeffding, .empiricalBernstein:
                guard rewardRange != nil, weightBound != nil else {
                    throw .intervalNeedsOption(
                        method,
                        expected: "declare the range that rewards cannot leave (reward.range, --reward-range LO,HI) and the largest weight "
                            + "(1 / the logging floor); the sample's own extremes would not do")
                }
            case .cressieRead, .anytime:
                guard rewardRange != nil else {
                    throw .intervalNeedsOption(
                        method,
                        expected: "declare the range that rewards cannot leave (reward.range, --reward-range LO,HI); the sample's own "
                            + "extremes would not do")
                }
            }
        }
    }
}
