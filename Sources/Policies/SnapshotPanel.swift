package import HaggleCore

/// Many snapshots of one experiment, asked about one context at a time: what the published snapshots would have done.
///
/// Snapshots that share encoder and network, as all increments between two retrainings do, share phi: the context is encoded once for each
/// network and not once for each snapshot. Gives the bits of `SnapshotPolicy`.
package struct SnapshotPanel: Sendable {
    /// In the order given.
    package let policies: [SnapshotPolicy]
    /// For each policy the first one that has its representation.
    private let leaders: [Int]

    /// O(snapshots * K d^3) once, about a tenth of a millisecond for a snapshot of six arms.
    /// - Precondition: all have the same number of arms.
    package init(_ snapshots: [ServingSnapshot]) {
        precondition(snapshots.allSatisfy { $0.arms.count == snapshots[0].arms.count }, "a panel's snapshots have the same arms")
        policies = snapshots.map { SnapshotPolicy($0) }
        var first: [Int] = []
        leaders = snapshots.indices.map { index in
            if let leader = first.first(where: { snapshots[$0].representation == snapshots[index].representation }) { return leader }
            first.append(index)
            return index
        }
    }

    /// One distribution per snapshot.
    package func distributions(over eligible: [Int], in context: Context) -> [ArmDistribution] {
        precondition(!eligible.isEmpty, "a distribution needs at least one eligible arm")
        var known = [[Double]](repeating: [], count: policies.count)
        var workspace = ChoiceWorkspace()
        var result: [ArmDistribution] = []
        result.reserveCapacity(policies.count)
        for index in policies.indices {
            let leader = leaders[index]
            if policies[index].readsPhi {
                if known[leader].isEmpty { known[leader] = policies[index].snapshot.representation.phi(context) }
                workspace.phi = known[leader]
            }
            policies[index].distribute(over: eligible, context: context, workspace: &workspace)
            result.append(workspace.distribution)
        }
        return result
    }
}
