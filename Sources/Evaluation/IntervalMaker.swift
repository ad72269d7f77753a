import HaggleMath

/// A value with its standard error.
struct Score: Sendable {
    /// NaN where undefined.
    var value: Double
    /// Nil where undefined.
    var standardError: Double?
}

/// Makes the intervals that were asked for, from what an evaluation knows of one number.
struct IntervalMaker: Sendable {
    let methods: [Interval.Method]
    let level: Double
    /// What an observation is called where units recur and errors are clustered by them; nil where rows stand for themselves.
    let clusterName: String?

    /// The intervals asked for, as far as they exist, in the order in which they were asked for.
    /// - Parameters:
    ///   - replicates: the number's value in every bootstrap replicate; nil without a bootstrap.
    ///   - assumptions: of the estimator, in words.
    func intervals(_ score: Score, replicates: [Double]?, assumptions: String) -> [Interval] {
        let observation = clusterName.map { "\($0)s are independent" } ?? "rows are independent"
        return methods.compactMap { method in
            switch method {
            case .normal:
                guard let value = score.value.ifFinite, let error = score.standardError else { return nil }
                let half = NormalDistribution.quantile((1 + level) / 2) * error
                return Interval(
                    method: .normal, level: level, lower: value - half, upper: value + half,
                    assumptions: "\(observation) and many enough for a normal approximation; \(assumptions)")
            case .bootstrap:
                guard let replicates, let bounds = Bootstrap.percentileInterval(replicates, level: level) else { return nil }
                return Interval(
                    method: .bootstrap, level: level, lower: bounds.lower, upper: bounds.upper,
                    assumptions: "\(observation); percentiles of \(replicates.count) Poisson resamples; \(assumptions)")
            case .studentT, .hoeffding, .empiricalBernstein, .clopperPearson, .cressieRead, .anytime: return nil
            }
        }
    }
}

extension Double {
    /// Nil for NaN and infinities, which reports do not contain.
    var ifFinite: Double? { isFinite ? self : nil }
}
