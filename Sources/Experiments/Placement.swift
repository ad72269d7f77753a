package import HaggleCore

/// Where a unit stands in an experiment at a moment, before any policy is asked.
package enum Placement: Hashable, Sendable {
    /// The policy chooses.
    case policy
    /// The A/B split gives that arm, as its position in the experiment's arms.
    case arm(Int)
    /// Control, for that reason.
    case control(Reason)

    /// The branch of the traffic that the log keeps.
    package func variant(in experiment: Experiment) -> Variant {
        switch self {
        case .policy: .policy
        case .arm(let index): .arm(experiment.arms[index].key)
        case .control(.holdout): .holdout
        case .control: .control
        }
    }
}

/// Places units. Made once per experiment version, so that the request path compiles nothing.
///
/// The order of the questions: is the experiment running (`PAUSED`, `NOT_STARTED`, `ENDED`), is the unit targeted (`NOT_TARGETED`), does it
/// belong to the experiment's slot (`NOT_IN_TRAFFIC`), to the holdout (`HOLDOUT`), to the traffic (`NOT_IN_TRAFFIC`), and then to which arm.
/// Targeting and slot come before the holdout, because a holdout that also held units which the policy can never meet would not be comparable
/// with it. Among the three cuts the holdout is first and does not depend on the traffic, so a ramp never gives the policy to a unit
/// that was or will be in the holdout.
package struct Placer: Sendable {
    package let experiment: Experiment
    private let targeting: TargetingEvaluator?
    private let holdoutSeed: String
    private let trafficSeed: String
    private let variantSeed: String
    private let namespaceSeed: String?
    /// The upper end of each arm's part of the variant cut, in ten-thousandths.
    private let bounds: [Int]

    /// - Throws: where the targeting holds a regular expression that is not supported. Experiments from parsed files hold none.
    package init(_ experiment: Experiment) throws(TextPattern.SyntaxError) {
        self.experiment = experiment
        if let condition = experiment.targeting { targeting = try TargetingEvaluator(condition) } else { targeting = nil }
        holdoutSeed = experiment.salt + "/holdout"
        trafficSeed = experiment.salt + "/traffic"
        variantSeed = experiment.salt + "/variant"
        namespaceSeed = experiment.slot.map { $0.namespace + "/namespace" }
        var sum = 0.0
        bounds = experiment.arms.map { arm in
            sum += arm.weight ?? 1 / Double(experiment.arms.count)
            return Int((sum * 10_000).rounded())
        }
    }

    /// - Parameters:
    ///   - now: the moment of the request.
    ///   - isPaused: the kill switch, which lies over the file's status.
    package func place(unit: UnitID, context: Context, now: Timestamp, isPaused: Bool) -> Placement {
        if let reason = lifecycleReason(now: now, isPaused: isPaused) { return .control(reason) }
        if let targeting, !targeting.matches(context) { return .control(.notTargeted) }
        let unit = unit.rawValue
        if let slot = experiment.slot, let namespaceSeed {
            let number = Cuts.bucket(seed: namespaceSeed, unit: unit)
            guard number >= steps(slot.lower), number < steps(slot.upper) else { return .control(.notInTraffic) }
        }
        if Cuts.isBelow(experiment.holdout, seed: holdoutSeed, unit: unit) { return .control(.holdout) }
        guard Cuts.isBelow(experiment.traffic, seed: trafficSeed, unit: unit) else { return .control(.notInTraffic) }
        guard experiment.kind == .ab else { return .policy }
        let number = Cuts.bucket(seed: variantSeed, unit: unit)
        // Rounding may leave the last bound below the last step; the last arm takes what remains.
        return .arm(bounds.firstIndex { number < $0 } ?? experiment.arms.count - 1)
    }

    /// Why nobody takes part at that moment; nil where the experiment runs.
    package func lifecycleReason(now: Timestamp, isPaused: Bool) -> Reason? {
        switch experiment.status {
        case .draft: return .notStarted
        case .stopped: return .ended
        case .paused, .running: break
        }
        if let end = experiment.end, now >= end { return .ended }
        if let start = experiment.start, now < start { return .notStarted }
        return isPaused || experiment.status == .paused ? .paused : nil
    }

    private func steps(_ share: Double) -> Int { Int((share * 10_000).rounded()) }
}
