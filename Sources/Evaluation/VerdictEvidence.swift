/// What a verdict needs beside the diagnostics, to say in words which arms lack support and what would help.
struct VerdictEvidence: Sendable {
    /// One arm, as log and policy use it.
    struct Arm: Sendable {
        var name: String
        /// Share of the rows that showed it.
        var loggedShare: Double
        /// Its mean propensity where known, else the share of rows that showed it.
        var meanPropensity: Double
        /// Mean probability that the policy gives to it; nil where that is not known.
        var targetShare: Double?
        /// Mean probability on it where its propensity was 0.
        var impossibleMass = 0.0
        /// Sum of w^2 over the rows that showed it.
        var weightSquares = 0.0
    }

    var rowCount: Int
    /// Number of units where errors are clustered by them, else nil.
    var unitCount: Double?
    var arms: [Arm]
    /// The arm of the heaviest row and its propensity.
    var heaviestArm: String
    var heaviestPropensity: Double
    /// Sum of w and of w^2.
    var weightSum: Double
    var weightSquareSum: Double
    var hasEstimatedPropensities = false
    var disagreeingEstimators: [String] = []

    /// The arms that the policy wants and the log hardly has, worst first, at most three: `arm ten (80.0 % of the policy, 1.0 % of the log)`.
    var lackingArms: [String] {
        arms.filter { ($0.targetShare ?? 0) > 0.01 && ($0.targetShare ?? 0) > 5 * $0.meanPropensity }
            .sorted { ($0.meanPropensity / ($0.targetShare ?? 1), $0.name) < ($1.meanPropensity / ($1.targetShare ?? 1), $1.name) }
            .prefix(3)
            .map { "arm \($0.name) (\(Verdict.percent($0.targetShare ?? 0)) of the policy, \(Verdict.percent($0.loggedShare)) of the log)" }
    }

    /// The arms that the policy uses and the log could not show, by mass, at most three: `ten 8.0 %`.
    var impossibleArms: [String] {
        arms.filter { $0.impossibleMass > 0 }.sorted { ($0.impossibleMass, $1.name) > ($1.impossibleMass, $0.name) }.prefix(3)
            .map { "\($0.name) \(Verdict.percent($0.impossibleMass))" }
    }

    /// How many more rows of this kind would bring an effective size, which grows with n; nil where no number of rows would.
    func moreRows(for wanted: Double, from effectiveSize: Double) -> Int? {
        guard effectiveSize > 0 else { return nil }
        let more = (Double(rowCount) * (wanted / effectiveSize - 1)).rounded(.up)
        return more > 0 && more < 1e15 ? Int(more) : nil
    }

    /// The floor under every arm's propensity that would about bring an effective size with as many rows: rows of arm a that weigh sum w^2
    /// would weigh min(1, p_a / f) of that. Nil where even equal shares would not do.
    func floor(for wanted: Double) -> Double? {
        guard rowCount > 0, arms.count > 1, arms.allSatisfy({ $0.targetShare != nil }) else { return nil }
        let count = Double(rowCount)
        func effectiveSize(_ floor: Double) -> Double {
            var squares = 0.0
            for arm in arms {
                let target = arm.targetShare ?? 0
                squares +=
                    arm.weightSquares > 0
                    ? arm.weightSquares * min(1, arm.meanPropensity / floor) : count * target * target / max(arm.meanPropensity, floor)
            }
            return squares > 0 ? count * count / squares : 0
        }
        var upper = 1 / Double(arms.count)
        guard effectiveSize(upper) >= wanted else { return nil }
        var lower = 0.0
        for _ in 0..<50 {
            let middle = (lower + upper) / 2
            if effectiveSize(middle) >= wanted { upper = middle } else { lower = middle }
        }
        return upper
    }

    /// The largest share of this policy in a mixture with the logging one that the log has an effective size for: weights 1 - m + m w. Nil
    /// below one percent, or where the policy itself would do.
    func mixture(for wanted: Double) -> Double? {
        let count = Double(rowCount)
        func effectiveSize(_ m: Double) -> Double {
            let sum = (1 - m) * count + m * weightSum
            let squares = (1 - m) * (1 - m) * count + 2 * m * (1 - m) * weightSum + m * m * weightSquareSum
            return squares > 0 ? sum / squares * sum : 0
        }
        guard effectiveSize(0.01) >= wanted, effectiveSize(1) < wanted else { return nil }
        var lower = 0.01
        var upper = 1.0
        for _ in 0..<50 {
            let middle = (lower + upper) / 2
            if effectiveSize(middle) >= wanted { lower = middle } else { upper = middle }
        }
        return lower
    }
}
