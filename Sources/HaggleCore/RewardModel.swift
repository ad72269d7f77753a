/// An estimate of E[reward given context, arm], also written q-hat.
package protocol RewardModel: Sendable {
    /// Writes one estimate per arm of the table.
    /// - Parameters:
    ///   - context: the context of one impression.
    ///   - estimates: as many elements as there are arms; overwritten.
    func estimate(in context: Context, into estimates: inout [Double])
}

/// Fits reward models. Evaluation knows reward models only through this, so that it need not know policies or networks.
package protocol RewardModelTrainer: Sendable {
    /// What the reports call it: `linear`, `logistic`, `shared`, `neural`.
    var name: String { get }

    /// Fits a model to interactions; the result never depends on rows that are not in `interactions`.
    /// - Parameter armCount: number of arms of the table, also of those without rows.
    func train(on interactions: [Interaction], armCount: Int) throws -> any RewardModel

    /// The same by weighted fitting: a row of weight 2 counts as two such rows, one of weight 0 not at all.
    ///
    /// For reward models that are made for one target policy, such as MRDR's with `pi(a|x) (1 - p) / p^2` (Farajtabar, Chow &
    /// Ghavamzadeh 2018).
    /// - Parameter weights: one per interaction, finite and not negative; nothing is rescaled.
    /// - Throws: `RewardModelError.weightsNotSupported` unless the trainer implements it.
    func train(on interactions: [Interaction], weights: [Double], armCount: Int) throws -> any RewardModel
}

extension RewardModelTrainer {
    /// What a trainer without weighted fitting does: it says so.
    package func train(on interactions: [Interaction], weights: [Double], armCount: Int) throws -> any RewardModel {
        throw RewardModelError.weightsNotSupported(trainer: name)
    }
}

/// Why a reward model cannot be fitted as asked.
package enum RewardModelError: Error, Hashable, Sendable {
    /// The trainer has no weighted fitting.
    case weightsNotSupported(trainer: String)
}

extension RewardModelError: CustomStringConvertible {
    package var description: String {
        switch self {
        case .weightsNotSupported(let trainer):
            "reward model \(trainer): expected one that can be fitted to weighted rows, this one cannot; use linear, logistic, shared or neural"
        }
    }
}
