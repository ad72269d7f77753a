import HaggleMath

/// What a candidate is chosen by: one policy's sums, with what is known about their spread.
package struct TuningStatistics {
    package var sums: TermSums
    /// Number of independent observations: units where they recur, else rows.
    package var observationCount: Int
    /// Mean of w^2, and the largest w.
    package var meanSquareWeight: Double
    package var largestWeight: Double
    /// The standard error of an estimator on these sums; nil where undefined.
    package var standardError: (any Estimator) -> Double?
    /// Number of folds, and the sums over some of them; nil where nobody collected folds.
    package var foldCount: Int
    package var foldSums: ((_ folds: [Int]) -> TermSums)?

    package init(
        sums: TermSums, observationCount: Int, meanSquareWeight: Double, largestWeight: Double,
        standardError: @escaping (any Estimator) -> Double?, foldCount: Int = 0, foldSums: (([Int]) -> TermSums)? = nil
    ) {
        self.sums = sums
        self.observationCount = observationCount
        self.meanSquareWeight = meanSquareWeight
        self.largestWeight = largestWeight
        self.standardError = standardError
        self.foldCount = foldCount
        self.foldSums = foldSums
    }
}

/// How a hyper-parameter is chosen from sums. Candidates come from the most changed weights to plain ones; each rule returns a position.
enum TuningRules {
    /// Positions from the widest interval to the narrowest; of equally wide ones the one with less changed weights first.
    static func byWidth(_ candidates: [any Estimator], _ statistics: TuningStatistics) -> [Int] {
        let widths = candidates.map { statistics.standardError($0) ?? 0 }
        return candidates.indices.sorted { (widths[$0], $0) > (widths[$1], $1) }
    }

    /// SLOPE: the narrowest interval that still agrees with all wider ones.
    ///
    /// ```
    /// w_i = t_{n-1, .9} SE_i, widest first; keep i while |V_i - V_j| <= w_i + (sqrt 6 - 1) w_j for every kept j; stop at the first failure
    /// ```
    /// Bias grows as intervals shrink, so once a candidate leaves the others' intervals its bias shows. With no standard error (one row) the
    /// plain weights are kept.
    ///
    /// Su, Srinath & Krishnamurthy 2020, "Adaptive estimator selection for off-policy evaluation"; the order by width is Tucker & Lee 2021's.
    static func slope(_ candidates: [any Estimator], _ statistics: TuningStatistics) -> Int {
        let order = byWidth(candidates, statistics)
        guard statistics.observationCount >= 2 else { return candidates.count - 1 }
        let quantile = StudentT.quantile(0.9, degreesOfFreedom: Double(statistics.observationCount - 1))
        let factor = 6.0.squareRoot() - 1
        var kept: [(value: Double, width: Double)] = []
        var chosen = order[0]
        for position in order {
            let value = candidates[position].value(of: statistics.sums)
            let width = quantile * (statistics.standardError(candidates[position]) ?? 0)
            guard kept.allSatisfy({ abs(value - $0.value) <= width + factor * $0.width }) else { break }
            kept.append((value, width))
            chosen = position
        }
        return chosen
    }

    /// The smallest estimate of variance plus squared bias, the bias bounded with probability 1 - delta, delta = .05.
    ///
    /// ```
    /// var_0 / n + (|mean (w - t(w)) (r - q)| + sqrt(2 mean(w^2) ln(2 / delta) / n) + 2 max w ln(2 / delta) / (3 n))^2
    /// ```
    /// with q = 0 in families without a reward model and var_0 the variance with ddof 0. The bias of a candidate is its distance from the plain
    /// one. Of equals the one with more changed weights. Where units recur the variance is that of units.
    ///
    /// Su, Dimakopoulou, Krishnamurthy & Dudik 2020, section 5; as Open Bandit Pipeline computes it.
    static func smallestError(_ candidates: [any Estimator], _ statistics: TuningStatistics) -> Int {
        let n = statistics.sums.count
        let observations = Double(statistics.observationCount)
        let confidence = ElementaryFunctions.log(2 / 0.05)
        let slack = (2 * statistics.meanSquareWeight * confidence / n).squareRoot() + 2 * statistics.largestWeight * confidence / (3 * n)
        let last = candidates.count - 1
        let plain = candidates[last].value(of: statistics.sums)
        var best = (position: last, error: Double.infinity)
        for position in candidates.indices {
            let error = statistics.standardError(candidates[position]) ?? 0
            let bias = position == last ? 0 : abs(plain - candidates[position].value(of: statistics.sums))
            let total = error * error * (observations - 1) / observations + (bias + slack) * (bias + slack)
            if total < best.error { best = (position, total) }
        }
        return best.position
    }

    /// The candidate that, on one half of the log, comes nearest to the plain weights' value on the other half.
    ///
    /// ```
    /// loss of i = mean over halves H of (V_i(H) - V_plain(rest))^2
    /// ```
    /// The plain estimator on rows that the candidate has not seen is an unbiased judge: in expectation the loss is the candidate's squared
    /// error on half of the log plus the same judge's variance for all. Halves are unions of four of eight folds by unit, all 70 of them, which
    /// per-fold sums make cheap; halves without rows do not count. Of equals the one with less changed weights; without any pair of halves the
    /// plain weights.
    ///
    /// Cief, Kveton & Kompan 2025, "Cross-validated off-policy evaluation", with equal halves and without its one-standard-error rule; the aim
    /// is that of Udagawa, Kiyohara, Narita, Saito & Tateno 2023, "Policy-adaptive estimator selection for off-policy evaluation".
    static func crossValidated(_ candidates: [any Estimator], _ statistics: TuningStatistics) -> Int {
        let last = candidates.count - 1
        guard let foldSums = statistics.foldSums else { return last }
        let all = Array(0..<statistics.foldCount)
        var losses = [CompensatedSum](repeating: CompensatedSum(), count: candidates.count)
        var pairCount = 0
        for half in halves(of: statistics.foldCount) {
            let seen = foldSums(half)
            let held = foldSums(all.filter { !half.contains($0) })
            guard seen.count > 0, held.count > 0 else { continue }
            pairCount += 1
            let judge = candidates[last].value(of: held)
            for position in candidates.indices {
                let gap = candidates[position].value(of: seen) - judge
                losses[position] += gap * gap
            }
        }
        guard pairCount > 0 else { return last }
        var best = last
        for position in candidates.indices.reversed() where losses[position].value < losses[best].value { best = position }
        return best
    }

    /// Every choice of half of the folds.
    private static func halves(of count: Int) -> [[Int]] {
        (0..<1 << count).filter { $0.nonzeroBitCount == count / 2 }.map { mask in (0..<count).filter { mask >> $0 & 1 == 1 } }
    }
}
