package import HaggleCore

/// For every policy and snapshot the variance proxy that the weights of adaptive estimators are made of.
///
/// ```
/// V_k = mean over contexts x logged before snapshot k was published of  sum over a of pi(a|x)^2 / p_k(a|x)
/// ```
/// p_k is what snapshot k gives each arm. V_k is known before the first row of snapshot k and the same for all its rows. That is what makes
/// weights h_k = V_k^-1/2 or 1 / V_k right: a weight that looks at its own row's context prefers contexts, and so estimates another
/// population (a world of two contexts with propensities .05 and .9 and truth .5 gives .19).
///
/// p_k comes from the snapshot's policy where the caller has it. Else the propensities of the snapshot's first row stand for every context;
/// that is exact where the snapshot does not look at contexts and eligible arms do not change, and else costs precision, not correctness,
/// because the weight is still one number for the whole snapshot. Before any context is known (the log's first snapshot) the first row's own
/// context stands in: one row in n whose weight is not its past's.
///
/// Hadad, Hirshberg, Zhan, Wager & Athey 2021; Zhan, Hadad, Hirshberg & Athey 2021.
package struct AdaptiveWeights: Sendable {
    private let policies: [EvaluatedPolicy]
    private let snapshots: [SnapshotVersion: any Policy]
    private let armCount: Int
    private var contexts: FittingSample
    private var rowCount = 0
    private var variances: [SnapshotVersion?: [Double]] = [:]

    /// - Parameters:
    ///   - policies: none of them `.given`.
    ///   - snapshots: the policy of each serving snapshot, as far as the caller has them.
    ///   - contextCount: how many earlier contexts a snapshot is judged on, at most.
    package init(
        policies: [EvaluatedPolicy], armCount: Int, snapshots: [SnapshotVersion: any Policy], contextCount: Int = 2000, seed: UInt64
    ) {
        self.policies = policies
        self.snapshots = snapshots
        self.armCount = armCount
        contexts = FittingSample(capacity: contextCount, seed: ~seed)
    }

    /// V of the row's snapshot for every policy, 1 for the logging policy; afterwards the row's context belongs to the past. The first row of
    /// a snapshot costs O(contexts * policies * arms), others O(1).
    /// - Returns: nil where neither the snapshot's policy nor the row's propensities are known.
    package mutating func variances(of interaction: Interaction) -> [Double]? {
        let known = variances[interaction.snapshot]
        let result = known ?? compute(interaction)
        if known == nil, let result { variances[interaction.snapshot] = result }
        contexts.offer(interaction, row: rowCount)
        rowCount += 1
        return result
    }

    private func compute(_ interaction: Interaction) -> [Double]? {
        let snapshot = interaction.snapshot.flatMap { snapshots[$0] }
        if snapshot == nil && interaction.propensities == nil { return nil }
        let past = contexts.entries.isEmpty ? [interaction] : contexts.entries.map(\.interaction)
        var totals = [Double](repeating: 0, count: policies.count)
        for row in past {
            let eligible = row.eligible ?? Array(0..<armCount)
            let logging = snapshot?.distribution(over: eligible, in: row.context).probabilities ?? interaction.propensities ?? []
            for (index, policy) in policies.enumerated() {
                guard case .computed(let computed) = policy.target else {
                    totals[index] += 1
                    continue
                }
                let target = computed.distribution(over: eligible, in: row.context)
                for arm in 0..<armCount where target[arm] > 0 { totals[index] += target[arm] * target[arm] / logging[arm] }
            }
        }
        return totals.map { $0 / Double(past.count) }
    }
}
