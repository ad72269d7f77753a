extension Verdict {
    /// Whether the diagnostics let the log answer for a policy, and why: rules and limits of the methods page.
    /// - Parameter unitCount: the number of units where errors are clustered by them, else nil.
    static func judge(_ diagnostics: Diagnostics, rowCount: Int, unitCount: Int?) -> (verdict: Verdict, reasons: [String]) {
        let unsupported = unsupportedReasons(diagnostics, rowCount: rowCount)
        let weak = weakReasons(diagnostics, rowCount: rowCount)
        let verdict: Verdict = !unsupported.isEmpty ? .unsupported : !weak.isEmpty ? .weak : .supported
        return (verdict, unsupported + weak + remarks(diagnostics, unitCount: unitCount))
    }

    private static func unsupportedReasons(_ diagnostics: Diagnostics, rowCount: Int) -> [String] {
        var reasons: [String] = []
        if diagnostics.effectiveSampleSize < 50 {
            reasons.append(
                "the weighted log is worth only \(decimal(diagnostics.effectiveSampleSize, 1)) of its \(rowCount) rows (at least 50 are needed): "
                    + "log more rows, log with more exploration, or evaluate a policy closer to the one that made the log")
        }
        if diagnostics.rewardedEffectiveSampleSize < 10 {
            reasons.append(
                "only \(decimal(diagnostics.rewardedEffectiveSampleSize, 1)) effective rows have a reward other than 0 (at least 10 are "
                    + "needed): log longer, or use a metric that is not so rare")
        }
        if let mass = diagnostics.targetMassOnImpossibleArms, mass > 0.01 {
            reasons.append(
                "the policy gives \(decimal(100 * mass, 1)) % of its probability to arms that the log could never show (at most 1 % is "
                    + "allowed): give those arms a floor while logging, or evaluate a policy that leaves them out")
        }
        if diagnostics.maximumWeightShare > 0.2 {
            reasons.append(
                "one row carries \(decimal(100 * diagnostics.maximumWeightShare, 0)) % of all weight (at most 20 % is allowed): raise the floor "
                    + "of the logging policy so that no propensity is tiny, and log more rows")
        }
        return reasons
    }

    private static func weakReasons(_ diagnostics: Diagnostics, rowCount: Int) -> [String] {
        var reasons: [String] = []
        if diagnostics.effectiveSampleShare < 0.01 {
            reasons.append(
                "the weighted log is worth \(decimal(100 * diagnostics.effectiveSampleShare, 2)) % of its rows (below 1 %): the policy differs "
                    + "much from the one that made the log; more exploration while logging would help")
        }
        if let k = diagnostics.paretoK, k > 0.7 {
            reasons.append(
                "the largest weights have a heavy tail (Pareto k \(decimal(k, 2)), above 0.7), so standard errors are likely too small: a "
                    + "higher floor while logging would help; compare the clipped estimator")
        }
        if let disagreement = diagnostics.estimatorDisagreement, disagreement > 2 {
            reasons.append(
                "the estimators disagree by \(decimal(disagreement, 1)) standard errors (above 2): check the propensities, and the reward "
                    + "model if DM stands apart")
        }
        return reasons
    }

    /// Signs of a broken log, or of rough intervals, that do not change the verdict by themselves.
    private static func remarks(_ diagnostics: Diagnostics, unitCount: Int?) -> [String] {
        var remarks: [String] = []
        if let unitCount, unitCount < 40 {
            remarks.append(
                "the rows come from only \(unitCount) units, so intervals are too narrow (40 or more are needed for the approximation): "
                    + "log more units")
        }
        if let z = diagnostics.meanWeightZ, abs(z) > 4 {
            remarks.append(
                "the mean weight is \(decimal(diagnostics.meanWeight, 3)), \(decimal(abs(z), 1)) standard errors from 1: the logged "
                    + "propensities do not fit the arms that were shown, or the policy uses arms that the log could not show")
        }
        if let frequencies = diagnostics.armFrequencies, !frequencies.flagged.isEmpty {
            remarks.append(
                "arms came more or less often than their propensities say in \(frequencies.flagged.count) of \(frequencies.testCount) tests "
                    + "(adjusted p below 0.001): check how arms are drawn and what is left out of the log")
        }
        return remarks
    }

    /// A number with fixed decimals, for sentences.
    private static func decimal(_ value: Double, _ places: Int) -> String {
        guard value.isFinite, abs(value) < 1e15 else { return "\(value)" }
        let scale = repeatElement(10.0, count: places).reduce(1, *)
        let units = (abs(value) * scale).rounded()
        let sign = value < 0 && units > 0 ? "-" : ""
        guard places > 0 else { return sign + String(Int(units)) }
        let whole = (units / scale).rounded(.down)
        let digits = String(Int(units - whole * scale))
        return sign + String(Int(whole)) + "." + String(repeating: "0", count: places - digits.count) + digits
    }
}
