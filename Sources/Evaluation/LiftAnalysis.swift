package import HaggleCore
package import HaggleMath

/// What a bandit's policy earned over the holdout: one outcome per *unit*, streamed, mergeable.
///
/// Units are cut into policy and holdout at random, so the difference of means per unit is the effect of being under the policy, over the
/// time in which it learned; it needs no propensities. Means per *arm* are not comparable in this way, because the policy chose the arms.
package struct LiftAnalysis: Sendable {
    /// The two groups that are compared.
    package enum Group: String, Hashable, Sendable, Codable, CaseIterable { case policy, holdout }

    package let level: Double
    /// Configured share of units in the holdout among all that are compared; nil skips the sample-ratio check.
    package let holdoutShare: Double?

    private var outcomes: [Group: RunningMoments] = [:]

    /// - Throws: `EvaluationError.badOption` for a level or a share outside 0..<1.
    package init(holdoutShare: Double?, level: Double = 0.95) throws {
        guard level > 0, level < 1 else {
            throw EvaluationError.badOption(name: "level", expected: "a number between 0 and 1", found: "\(level)")
        }
        if let holdoutShare, !(holdoutShare > 0 && holdoutShare < 1) {
            throw EvaluationError.badOption(name: "holdout", expected: "a share between 0 and 1", found: "\(holdoutShare)")
        }
        self.level = level
        self.holdoutShare = holdoutShare
    }

    /// The analysis of an experiment; nil where it has no holdout.
    ///
    /// The holdout is cut from all units and the traffic from the rest, independently, so policy : holdout = (1 - holdout) traffic : holdout.
    /// A traffic share that was changed while the experiment ran makes the expected split wrong; pass `holdoutShare: nil` then.
    package init?(experiment: Experiment, level: Double = 0.95) throws {
        guard experiment.holdout > 0, experiment.holdout < 1, experiment.traffic > 0 else { return nil }
        let policyShare = (1 - experiment.holdout) * experiment.traffic
        try self.init(holdoutShare: experiment.holdout / (experiment.holdout + policyShare), level: level)
    }

    /// Adds one unit.
    /// - Throws: `EvaluationError.outcomeNotFinite`.
    package mutating func add(group: Group, outcome: Double) throws {
        guard outcome.isFinite else { throw EvaluationError.outcomeNotFinite(group: group.rawValue) }
        outcomes[group, default: RunningMoments()].add(outcome)
    }

    /// Adds another's units, which must be different ones.
    package mutating func merge(_ other: Self) {
        for (group, theirs) in other.outcomes { outcomes[group, default: RunningMoments()].merge(theirs) }
    }

    /// One group's outcomes so far.
    package func outcomes(of group: Group) -> RunningMoments { outcomes[group] ?? RunningMoments() }

    /// The report over all units so far.
    package func report() -> LiftReport {
        let policy = outcomes(of: .policy)
        let holdout = outcomes(of: .holdout)
        let comparison = GroupComparison(
            group: Group.policy.rawValue, outcomes: policy, control: Group.holdout.rawValue, controlOutcomes: holdout, level: level)
        let ratio = holdoutShare.map {
            SampleRatioCheck(groups: [
                (Group.policy.rawValue, 1 - $0, policy.count), (Group.holdout.rawValue, $0, holdout.count),
            ])
        }
        var notes = [ratio.flatMap(ABReport.sampleRatioNote), ABReport.peekingNote, ABReport.liftNote(comparison)].compactMap(\.self)
        notes.append(
            "this is the policy as it was while it learned, over the whole period; a policy that has learned may earn more or less")
        return LiftReport(
            policy: GroupSummary(group: Group.policy.rawValue, outcomes: policy, level: level),
            holdout: GroupSummary(group: Group.holdout.rawValue, outcomes: holdout, level: level), comparison: comparison,
            sampleRatio: ratio, notes: notes)
    }
}

/// The result of a lift analysis.
package struct LiftReport: Hashable, Sendable, Codable {
    package var policy: GroupSummary
    package var holdout: GroupSummary
    package var comparison: GroupComparison
    /// Null where the expected split is not known.
    package var sampleRatio: SampleRatioCheck?
    /// What a reader must know before using the numbers.
    package var notes: [String]

    private enum CodingKeys: String, CodingKey {
        case policy, holdout, comparison
        case sampleRatio = "sample_ratio"
        case notes
    }
}
