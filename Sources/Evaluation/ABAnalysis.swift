package import HaggleCore
package import HaggleMath

/// Analyses an A/B experiment: one outcome per *unit*, streamed, mergeable.
///
/// The caller adds a unit's outcome once, over the window from the unit's first impression; units without a conversion count with the default
/// reward. Impressions must never be added one by one: a unit's impressions are not independent.
package struct ABAnalysis: Sendable {
    /// The arms with their configured shares.
    package let arms: [(key: ArmKey, share: Double)]
    /// Position of the control arm.
    package let controlIndex: Int
    /// Confidence level of the intervals.
    package let level: Double

    private var outcomes: [RunningMoments]

    /// - Throws: `EvaluationError.sharesDoNotSum` unless shares are above 0 and sum to 1 within 1e-6; `.badOption` for a level outside 0..<1.
    package init(arms: [(key: ArmKey, share: Double)], controlIndex: Int, level: Double = 0.95) throws {
        precondition(arms.indices.contains(controlIndex), "the control arm is one of the arms")
        guard level > 0, level < 1 else {
            throw EvaluationError.badOption(name: "level", expected: "a number between 0 and 1", found: "\(level)")
        }
        let total = arms.reduce(0) { $0 + $1.share }
        guard arms.allSatisfy({ $0.share > 0 }), abs(total - 1) <= 1e-6 else { throw EvaluationError.sharesDoNotSum(found: total) }
        self.arms = arms
        self.controlIndex = controlIndex
        self.level = level
        outcomes = [RunningMoments](repeating: RunningMoments(), count: arms.count)
    }

    /// The analysis of an experiment of type `ab`; an arm without a weight has an even share.
    package init(experiment: Experiment, level: Double = 0.95) throws {
        let even = 1 / Double(experiment.arms.count)
        try self.init(
            arms: experiment.arms.map { ($0.key, $0.weight ?? even) }, controlIndex: experiment.controlIndex, level: level)
    }

    /// Adds one unit.
    /// - Throws: `EvaluationError.unknownGroup`, `.outcomeNotFinite`.
    package mutating func add(arm: ArmKey, outcome: Double) throws {
        guard let index = arms.firstIndex(where: { $0.key == arm }) else {
            throw EvaluationError.unknownGroup(arm.rawValue, known: arms.map(\.key.rawValue))
        }
        guard outcome.isFinite else { throw EvaluationError.outcomeNotFinite(group: arm.rawValue) }
        outcomes[index].add(outcome)
    }

    /// Adds another's units, which must be different ones.
    package mutating func merge(_ other: Self) {
        precondition(arms.map(\.key) == other.arms.map(\.key), "analyses merge only with the same arms")
        for index in outcomes.indices { outcomes[index].merge(other.outcomes[index]) }
    }

    /// One arm's outcomes so far.
    package func outcomes(of arm: Int) -> RunningMoments { outcomes[arm] }

    /// The report over all units so far; an arm without units has null numbers.
    package func report() -> ABReport {
        let control = arms[controlIndex].key.rawValue
        let comparisons = arms.indices.filter { $0 != controlIndex }.map {
            GroupComparison(
                group: arms[$0].key.rawValue, outcomes: outcomes[$0], control: control, controlOutcomes: outcomes[controlIndex],
                level: level)
        }
        let ratio = SampleRatioCheck(groups: arms.indices.map { (arms[$0].key.rawValue, arms[$0].share, outcomes[$0].count) })
        return ABReport(
            unitCount: outcomes.reduce(0) { $0 + $1.count }, control: control,
            arms: arms.indices.map { GroupSummary(group: arms[$0].key.rawValue, outcomes: outcomes[$0], level: level) },
            comparisons: comparisons, sampleRatio: ratio, notes: ABReport.notes(comparisons: comparisons, sampleRatio: ratio))
    }
}

/// The result of an A/B analysis.
package struct ABReport: Hashable, Sendable, Codable {
    package var unitCount: Int
    package var control: String
    package var arms: [GroupSummary]
    /// Every other arm against control.
    package var comparisons: [GroupComparison]
    package var sampleRatio: SampleRatioCheck
    /// What a reader must know before using the numbers.
    package var notes: [String]

    private enum CodingKeys: String, CodingKey {
        case unitCount = "units"
        case control, arms, comparisons
        case sampleRatio = "sample_ratio"
        case notes
    }

    static let peekingNote =
        "p-values and intervals hold for one look at a time that was fixed in advance; looking again and again and stopping at the first small "
        + "p finds differences that are not there"

    static func sampleRatioNote(_ check: SampleRatioCheck) -> String? {
        guard check.isFlagged, let p = check.pValue else { return nil }
        return "units are not split as configured (chi-square p = \(p)): something loses or moves units in one group more than in another; "
            + "find the cause before reading the differences"
    }

    static func liftNote(_ comparison: GroupComparison) -> String? {
        guard comparison.difference != nil, comparison.relativeLift == nil else { return nil }
        return "no relative lift for \(comparison.group): the mean of \(comparison.control) is too near 0 to divide by"
    }

    fileprivate static func notes(comparisons: [GroupComparison], sampleRatio: SampleRatioCheck) -> [String] {
        var notes: [String] = []
        if let note = sampleRatioNote(sampleRatio) { notes.append(note) }
        notes.append(peekingNote)
        if comparisons.count > 1 {
            notes.append(
                "\(comparisons.count) arms are compared with control and p-values are not adjusted for it: for one claim about any of them, "
                    + "ask for p below \(0.05 / Double(comparisons.count))")
        }
        return notes + comparisons.compactMap(liftNote)
    }
}
