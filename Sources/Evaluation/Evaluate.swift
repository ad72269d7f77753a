package import HaggleCore

/// Evaluates policies on a log of interactions.
///
/// With a reward model the source is read twice: first into memory to cross-fit the model, then as a stream. Without one it is read once.
/// A target policy is asked for the row's eligible arms only, so it puts 0 on all others.
/// - Throws: `EvaluationError` for bad rows or options, what the source or the trainer throws, and `CancellationError`.
@concurrent
package func evaluate(
    source: some InteractionSource, policies: [EvaluatedPolicy], options: EvaluationOptions = EvaluationOptions(),
    rewardModel trainer: (any RewardModelTrainer)? = nil
) async throws -> EvaluationReport {
    let armCount = source.arms.count
    for policy in policies {
        if case .given = policy.target {
            throw EvaluationError.badOption(name: "policy", expected: "a policy that can be asked", found: policy.name)
        }
    }
    var evaluator = try Evaluator(policies: policies, armCount: armCount, options: options, rewardModel: trainer?.name)
    var model: CrossFittedModel?
    var fittedRowCount: Int?
    if let trainer {
        var interactions: [Interaction] = []
        for try await interaction in source.interactions() { interactions.append(interaction) }
        guard !interactions.isEmpty else { throw EvaluationError.emptyLog }
        model = try CrossFitting(foldCount: options.folds, seed: options.seed).fit(trainer, on: interactions, armCount: armCount)
        fittedRowCount = interactions.count
    }
    var rowIndex = 0
    for try await interaction in source.interactions() {
        try await evaluator.add(row(of: interaction, index: rowIndex, policies: policies, armCount: armCount, model: model))
        rowIndex += 1
    }
    if let fittedRowCount, fittedRowCount != rowIndex {
        throw EvaluationError.sourceChangedBetweenPasses(firstRows: fittedRowCount, secondRows: rowIndex)
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

/// An interaction with every policy's distribution and the reward model's estimates.
private func row(
    of interaction: Interaction, index: Int, policies: [EvaluatedPolicy], armCount: Int, model: CrossFittedModel?
) -> EvaluationRow {
    let eligible = interaction.eligible ?? Array(0..<armCount)
    let targets = policies.map { policy -> [Double] in
        guard case .computed(let computed) = policy.target else { return [] }
        return computed.distribution(over: eligible, in: interaction.context).probabilities
    }
    return EvaluationRow(
        arm: interaction.arm, propensity: interaction.propensity, reward: interaction.reward, unit: interaction.unit, targets: targets,
        estimates: model?.estimates(context: interaction.context, unit: interaction.unit, row: index),
        propensities: interaction.propensities, eligible: interaction.eligible, snapshot: interaction.snapshot, time: interaction.time)
}
