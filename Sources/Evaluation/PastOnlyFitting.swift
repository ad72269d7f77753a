package import HaggleCore

/// Scores every row by a reward model that was fitted on earlier rows only, in one pass in the order of the log.
///
/// A log whose policy learned from its own rows needs this: a cross-fitted model has seen later rows, which the arm of this row had a hand in.
/// Rows come in blocks that grow by half, 200 rows first; a block is scored by the model fitted on the blocks before it, so n rows take about
/// log(n / 200) / log(1.5) fits, 27 for ten million. The first block, and all of them without a trainer, is scored by the mean reward of the
/// rows before, shrunken towards 0 by one row. Fits use a bounded sample of the rows so far.
///
/// A unit's earlier rows may help to score its later ones; that is the past too.
package struct PastOnlyFitting: Sendable {
    /// Rows of the first block.
    package static let firstBlockRowCount = 200

    private let trainer: (any RewardModelTrainer)?
    private let armCount: Int
    private var sample: FittingSample
    private var model: (any RewardModel)?
    private var rewardSum = 0.0
    /// Rows scored so far.
    package private(set) var rowCount = 0
    /// Models fitted so far.
    package private(set) var fitCount = 0
    private var nextFit = PastOnlyFitting.firstBlockRowCount

    /// - Parameters:
    ///   - trainer: nil: the mean of the past for every arm.
    ///   - sampleCapacity: rows that a fit reads at most.
    package init(_ trainer: (any RewardModelTrainer)?, armCount: Int, sampleCapacity: Int, seed: UInt64) {
        self.trainer = trainer
        self.armCount = armCount
        sample = FittingSample(capacity: sampleCapacity, seed: seed)
    }

    /// The estimates for the next row, one per arm; afterwards the row belongs to the past.
    /// - Throws: what the trainer throws, and `CancellationError`.
    package mutating func score(_ interaction: Interaction) throws -> [Double] {
        if let trainer, rowCount >= nextFit {
            try Task.checkCancellation()
            model = try trainer.train(on: sample.entries.map(\.interaction), armCount: armCount)
            fitCount += 1
            nextFit += nextFit / 2
        }
        var estimates = [Double](repeating: rewardSum / Double(rowCount + 1), count: armCount)
        model?.estimate(in: interaction.context, into: &estimates)
        if trainer != nil { sample.offer(interaction, row: rowCount) }
        rewardSum += interaction.reward
        rowCount += 1
        return estimates
    }
}
