extension Verdict {
    /// The least effective sample size, and the least among rows with a reward other than 0.
    static let leastEffectiveSize = 50.0
    static let leastRewardedEffectiveSize = 10.0

    /// Whether the diagnostics let the log answer for a policy, and why: rules and limits of the methods page.
    static func judge(_ diagnostics: Diagnostics, evidence: VerdictEvidence) -> (verdict: Verdict, reasons: [String]) {
        let unsupported = unsupportedReasons(diagnostics, evidence)
        let weak = weakReasons(diagnostics, evidence)
        let verdict: Verdict = !unsupported.isEmpty ? .unsupported : !weak.isEmpty ? .weak : .supported
        return (verdict, unsupported + weak + remarks(diagnostics, evidence))
    }

    private static func unsupportedReasons(_ diagnostics: Diagnostics, _ evidence: VerdictEvidence) -> [String] {
        var reasons: [String] = []
        if diagnostics.effectiveSampleSize < leastEffectiveSize {
            var reason =
                "the weighted log is worth only \(decimal(diagnostics.effectiveSampleSize, 1)) of its \(evidence.rowCount) rows (at least 50 "
                + "are needed)"
            let lacking = evidence.lackingArms
            if !lacking.isEmpty { reason += "; it lacks rows of \(lacking.joined(separator: " and "))" }
            reasons.append("\(reason): \(advice(from: diagnostics.effectiveSampleSize, to: leastEffectiveSize, evidence))")
        }
        if diagnostics.rewardedEffectiveSampleSize < leastRewardedEffectiveSize {
            let more = evidence.moreRows(for: leastRewardedEffectiveSize, from: diagnostics.rewardedEffectiveSampleSize)
            reasons.append(
                "only \(decimal(diagnostics.rewardedEffectiveSampleSize, 1)) effective rows have a reward other than 0 (at least 10 are "
                    + "needed): \(more.map { "log about \($0) more rows" } ?? "log longer"), or use a metric that is not so rare")
        }
        if let mass = diagnostics.targetMassOnImpossibleArms, mass > 0.01 {
            reasons.append(
                "the policy gives \(percent(mass)) of its probability to arms that the log could never show (at most 1 % is allowed): "
                    + "\(evidence.impossibleArms.joined(separator: ", ")); give those arms a floor while logging, or evaluate a policy that "
                    + "leaves them out")
        }
        if diagnostics.maximumWeightShare > 0.2 {
            let share = diagnostics.maximumWeightShare
            // With its propensity c times as large the row's share is 20 % when c = 4 s / (1 - s).
            let floor = share < 1 ? evidence.heaviestPropensity * 4 * share / (1 - share) : 1
            let advice = floor < 0.5 ? "a floor of about \(twoDigits(floor)) while logging would help, or more rows" : "log more rows"
            reasons.append(
                "one row carries \(decimal(100 * share, 0)) % of all weight (at most 20 % is allowed): it shows arm \(evidence.heaviestArm) "
                    + "with propensity \(twoDigits(evidence.heaviestPropensity)); \(advice)")
        }
        return reasons
    }

    private static func weakReasons(_ diagnostics: Diagnostics, _ evidence: VerdictEvidence) -> [String] {
        var reasons: [String] = []
        if diagnostics.effectiveSampleShare < 0.01 {
            let lacking = evidence.lackingArms
            reasons.append(
                "the weighted log is worth \(decimal(100 * diagnostics.effectiveSampleShare, 2)) % of its rows (below 1 %): the policy differs "
                    + "much from the one that made the log\(lacking.isEmpty ? "" : ", most in \(lacking.joined(separator: " and "))"); "
                    + advice(from: diagnostics.effectiveSampleSize, to: 0.01 * Double(evidence.rowCount), evidence, withRows: false))
        }
        if let k = diagnostics.paretoK, k > 0.7 {
            reasons.append(
                "the largest weights have a heavy tail (Pareto k \(decimal(k, 2)), above 0.7), so standard errors are likely too small: a "
                    + "higher floor while logging would help; compare the clipped estimator")
        }
        if let disagreement = diagnostics.estimatorDisagreement, disagreement > 2 {
            let names = evidence.disagreeingEstimators.count == 2 ? " (\(evidence.disagreeingEstimators.joined(separator: " and ")))" : ""
            reasons.append(
                "the estimators disagree by \(decimal(disagreement, 1)) standard errors\(names) (above 2): check the propensities, and the "
                    + "reward model if DM stands apart")
        }
        return reasons
    }

    /// Signs of a broken log, or of rough intervals, that do not change the verdict by themselves.
    private static func remarks(_ diagnostics: Diagnostics, _ evidence: VerdictEvidence) -> [String] {
        var remarks: [String] = []
        if evidence.hasEstimatedPropensities {
            remarks.append("the propensities were estimated, not logged: the estimate may be biased by whatever their model misses")
        }
        if let unitCount = evidence.unitCount, unitCount < 40 {
            remarks.append(
                "the rows come from only \(decimal(unitCount, 0)) units, so intervals are too narrow (40 or more are needed for the "
                    + "approximation): log more units")
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

    /// What would bring an effective size: more rows, a floor, or a policy nearer to the log.
    private static func advice(from size: Double, to wanted: Double, _ evidence: VerdictEvidence, withRows: Bool = true) -> String {
        var ways: [String] = []
        if withRows {
            ways.append(evidence.moreRows(for: wanted, from: size).map { "log about \($0) more rows" } ?? "log rows that show its arms")
        }
        if let floor = evidence.floor(for: wanted) { ways.append("log with a floor of about \(twoDigits(floor)) for each arm") }
        if let share = evidence.mixture(for: wanted) {
            ways.append("evaluate a policy nearer to the log, such as one that follows this one in at most \(percent(share)) of the cases")
        } else {
            ways.append("evaluate a policy nearer to the log")
        }
        return ways.count == 1 ? ways[0] : ways.dropLast().joined(separator: ", ") + ", or " + ways[ways.count - 1]
    }

    /// A share in percent with one decimal, for sentences.
    static func percent(_ share: Double) -> String { "\(decimal(100 * share, 1)) %" }

    /// A number between 0 and 1 with its first two digits, for sentences.
    private static func twoDigits(_ value: Double) -> String {
        var places = 2
        var scaled = value
        while scaled < 0.1, places < 12 {
            scaled *= 10
            places += 1
        }
        return decimal(value, places)
    }

    /// A number with fixed decimals, for sentences.
    static func decimal(_ value: Double, _ places: Int) -> String {
        let scale = repeatElement(10.0, count: places).reduce(1, *)
        guard value.isFinite, abs(value) * scale < 1e15 else { return "\(value)" }
        let units = (abs(value) * scale).rounded()
        let sign = value < 0 && units > 0 ? "-" : ""
        guard places > 0 else { return sign + String(Int(units)) }
        let whole = (units / scale).rounded(.down)
        let digits = String(Int(units - whole * scale))
        return sign + String(Int(whole)) + "." + String(repeating: "0", count: places - digits.count) + digits
    }
}
