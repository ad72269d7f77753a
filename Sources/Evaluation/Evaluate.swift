package import HaggleCore

/// Evaluates policies on a log of interactions.
///
/// A cross-fitted reward model takes a first pass over the source, into a bounded sample to fit on; a past-only one is fitted along the way.
/// Memory does not grow with the log. A target policy is asked for the row's eligible arms only, so it puts 0 on all others.
/// - Parameters:
///   - trainer: fits the reward model; nil: no estimator needs one.
///   - snapshots: the policies of the serving snapshots that made the log, for adaptive weights and balanced propensities; those that are
///     missing are replaced by the rows' own propensities.
/// - Throws: `EvaluationError` for bad rows or options, what the source or the trainer throws, and `CancellationError`.
@concurrent
package func evaluate(
    source: some InteractionSource, policies: [EvaluatedPolicy], options: EvaluationOptions = EvaluationOptions(),
    rewardModel trainer: (any RewardModelTrainer)? = nil, snapshots: [SnapshotVersion: any Policy] = [:]
) async throws -> EvaluationReport {
    let armCount = source.arms.count
    for policy in policies {
        if case .given = policy.target {
            throw EvaluationError.badOption(name: "policy", expected: "a policy that can be asked", found: policy.name)
        }
    }
    var evaluator = try Evaluator(policies: policies, armCount: armCount, options: options, rewardModel: trainer?.name)
    var maker = RowMaker(
        policies: policies, armCount: armCount, options: options, inputs: evaluator.plan.inputs, trainer: trainer, snapshots: snapshots)
    var firstRowCount: Int?
    if maker.needsFirstPass {
        var rowCount = 0
        for try await interaction in source.interactions() {
            maker.prepare(interaction, row: rowCount)
            rowCount += 1
            if rowCount.isMultiple(of: 4096) { try Task.checkCancellation() }
        }
        guard rowCount > 0 else { throw EvaluationError.emptyLog }
        try maker.fit()
        firstRowCount = rowCount
    }
    var rowCount = 0
    for try await interaction in source.interactions() {
        try await evaluator.add(maker.row(of: interaction, index: rowCount))
        rowCount += 1
    }
    if let firstRowCount, firstRowCount != rowCount {
        throw EvaluationError.sourceChangedBetweenPasses(firstRows: firstRowCount, secondRows: rowCount)
    }
    return try await evaluator.report()
}

/// Evaluates rows that bring their target distributions (and the reward model's estimates): the files of `haggle evaluate --log --target`.
/// - Parameter rewardModel: the name of the reward model whose estimates the rows carry, or nil.
/// - Throws: `EvaluationError` for bad rows or options, and what the sequence throws.
@concurrent
package func evaluate<Rows: AsyncSequence & Sendable>(
    rows: Rows, policies: [EvaluatedPolicy], armCount: Int, options: EvaluationOptions = EvaluationOptions(), rewardModel: String? = nil
) async throws -> EvaluationReport where Rows.Element == EvaluationRow {
    var evaluator = try Evaluator(policies: policies, armCount: armCount, options: options, rewardModel: rewardModel)
    for try await row in rows { try await evaluator.add(row) }
    return try await evaluator.report()
}
