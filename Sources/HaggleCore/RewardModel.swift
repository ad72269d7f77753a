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
    /// What the reports call it: `linear`, `neural`.
    var name: String { get }

    /// Fits a model to interactions; the result never depends on rows that are not in `interactions`.
    /// - Parameter armCount: number of arms of the table, also of those without rows.
    func train(on interactions: [Interaction], armCount: Int) throws -> any RewardModel
}
