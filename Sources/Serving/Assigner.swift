import Experiments
package import HaggleCore
package import Policies

/// One experiment as it is served: the immutable pair (experiment version, snapshot), swapped as one value.
///
/// `assign` is pure: the same request, id and time give the same assignment on every server that holds the same pair.
package struct Assigner: Sendable {
    package let experiment: Experiment
    package let version: ExperimentVersion
    /// Whether the kill switch is on.
    package let isPaused: Bool
    /// The snapshot being served; nil in an A/B experiment or where none could be loaded.
    package let snapshot: SnapshotVersion?
    private let policy: SnapshotPolicy?
    private let placer: Placer
    private let allArms: [Int]

    /// - Parameter snapshot: fits `version`; nil in an A/B experiment, or when none could be loaded (everybody gets control).
    /// - Throws: where the targeting cannot be compiled; experiments from parsed files never do that.
    package init(experiment: Experiment, version: ExperimentVersion, isPaused: Bool, snapshot: ServingSnapshot?) throws {
        placer = try Placer(experiment)
        self.experiment = experiment
        self.version = version
        self.isPaused = isPaused
        self.snapshot = snapshot?.version
        self.policy = snapshot.map { SnapshotPolicy($0) }
        self.allArms = Array(experiment.arms.indices)
    }

    /// Whether a unit keeps the arm that was drawn for it first.
    package var isSticky: Bool { experiment.kind == .ab }

    /// Chooses an arm, on the request's context with the time features of the experiment's schema added where it lacks them.
    /// - Parameters:
    ///   - impressionID: the id of the impression to be logged; also the draw key where the request has none.
    ///   - now: the server's clock.
    package func assign(_ request: AssignmentRequest, impressionID: ImpressionID, now: Timestamp) -> Assignment {
        var workspace = ChoiceWorkspace()
        return assign(request, impressionID: impressionID, now: now, workspace: &workspace)
    }

    /// The same in the memory of an earlier choice.
    package func assign(
        _ request: AssignmentRequest, impressionID: ImpressionID, now: Timestamp, workspace: inout ChoiceWorkspace
    ) -> Assignment {
        assign(request, impressionID: impressionID, now: now, isPaused: isPaused, hasSnapshot: true, workspace: &workspace)
    }

    /// Why an assignment of this request would be what it is; its context has the time features already.
    package func reason(for request: AssignmentRequest, now: Timestamp) -> Reason {
        switch placer.place(unit: request.unit, context: request.context, now: now, isPaused: isPaused) {
        case .control(let reason): reason
        case .arm: .policy
        case .policy: policy == nil ? .noSnapshot : .policy
        }
    }

    /// The same under another kill switch, or as if no snapshot could be loaded: for recomputing what was logged.
    func assign(
        _ request: AssignmentRequest, impressionID: ImpressionID, now: Timestamp, isPaused: Bool, hasSnapshot: Bool,
        workspace: inout ChoiceWorkspace
    ) -> Assignment {
        var request = request
        TimeFeatures.add(to: &request.context, at: now, for: experiment.context)
        let eligible = request.eligible ?? allArms
        let placement = placer.place(unit: request.unit, context: request.context, now: now, isPaused: isPaused)
        switch placement {
        case .control(let reason):
            return fallback(request, impressionID, eligible, reason)
        case .arm(let arm):
            guard eligible.contains(arm) else { return fallback(request, impressionID, eligible, .fallback) }
            let shares = ArmDistribution(weights: experiment.arms.map { $0.weight ?? 1 }, floor: 0, eligible: allArms)
            return assignment(
                request, impressionID, eligible: allArms, arm: arm, distribution: shares, variant: .arm(experiment.arms[arm].key),
                reason: .policy, snapshot: nil, drawKey: request.unit.rawValue)
        case .policy:
            guard hasSnapshot, let policy, let snapshot else { return fallback(request, impressionID, eligible, .noSnapshot) }
            policy.distribute(over: eligible, in: request.context, workspace: &workspace)
            let distribution = workspace.distribution
            let drawKey = request.requestID ?? impressionID.description
            let arm = distribution.draw(DrawHash.uniform(salt: experiment.salt, key: drawKey))
            return assignment(
                request, impressionID, eligible: eligible, arm: arm, distribution: distribution, variant: .policy, reason: .policy,
                snapshot: snapshot, drawKey: drawKey)
        }
    }

    /// Control, or the first eligible arm in file order where control is not eligible.
    private func fallback(
        _ request: AssignmentRequest, _ impressionID: ImpressionID, _ eligible: [Int], _ reason: Reason
    ) -> Assignment {
        let control = experiment.controlIndex
        let arm = eligible.contains(control) ? control : eligible[0]
        return assignment(
            request, impressionID, eligible: eligible, arm: arm, distribution: .certain(arm, of: experiment.arms.count),
            variant: reason == .holdout ? .holdout : .control, reason: reason, snapshot: nil,
            drawKey: request.requestID ?? impressionID.description)
    }

    private func assignment(
        _ request: AssignmentRequest, _ impressionID: ImpressionID, eligible: [Int], arm: Int, distribution: ArmDistribution,
        variant: Variant, reason: Reason, snapshot: SnapshotVersion?, drawKey: String
    ) -> Assignment {
        Assignment(
            impressionID: impressionID, experiment: experiment.key, experimentVersion: version, unit: request.unit,
            context: request.context, variant: variant, reason: reason, arm: arm, eligible: eligible, distribution: distribution,
            snapshot: snapshot, drawKey: drawKey)
    }
}

extension Assignment {
    /// The row of the log: keys instead of positions, propensities of the eligible arms only.
    package func impression(arms: [Arm], isDeferred: Bool, at time: Timestamp) -> Impression {
        Impression(
            id: impressionID, experiment: experiment, experimentVersion: experimentVersion, unit: unit, variant: variant, reason: reason,
            context: context, eligibleArms: eligible.map { arms[$0].key }, propensities: eligible.map { distribution[$0] },
            arm: arms[arm].key, propensity: propensity, snapshot: snapshot, drawKey: drawKey, isDeferred: isDeferred, occurredAt: time,
            receivedAt: time)
    }
}
