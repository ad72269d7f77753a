import HaggleMath

/// The exact interval for a share, from a count of successes among independent trials that are all alike.
///
/// ```
/// lower: the p with P(X >= k) = alpha / 2, the alpha/2 quantile of Beta(k, n - k + 1); 0 for k = 0
/// upper: the p with P(X <= k) = alpha / 2, the 1 - alpha/2 quantile of Beta(k + 1, n - k); 1 for k = n
/// ```
/// Covers at least the level for every n and p, and more than that for most.
///
/// Clopper & Pearson 1934.
package enum ClopperPearson {
    /// - Parameters:
    ///   - successes: k, in 0...trials.
    ///   - trials: n.
    /// - Returns: nil without trials.
    package static func interval(successes: Int, trials: Int, level: Double) -> (lower: Double, upper: Double)? {
        guard trials > 0 else { return nil }
        precondition(successes >= 0 && successes <= trials, "there are no more successes than trials")
        let tail = (1 - level) / 2
        let k = Double(successes)
        let n = Double(trials)
        let lower = successes == 0 ? 0 : betaQuantile(tail, k, n - k + 1)
        let upper = successes == trials ? 1 : 1 - betaQuantile(tail, n - k, k + 1)
        return (lower, upper)
    }

    /// The x with I_x(a, b) = p, by halving until neighbouring doubles: about 60 steps, and as good as the function itself.
    private static func betaQuantile(_ p: Double, _ a: Double, _ b: Double) -> Double {
        var low = 0.0
        var high = 1.0
        while true {
            let middle = 0.5 * (low + high)
            if middle <= low || middle >= high || high - low < 1e-15 * high { return middle }
            if IncompleteBeta.regularised(x: middle, complement: 1 - middle, a: a, b: b) < p { low = middle } else { high = middle }
        }
    }
}
