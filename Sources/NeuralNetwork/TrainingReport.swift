/// One pass over the training rows: mean weighted squared errors, in the targets' unit squared.
package struct EpochReport: Hashable, Sendable, Codable {
    /// From 1.
    package var epoch: Int
    /// Mean over the pass, while the network was changing.
    package var trainingLoss: Double
    /// On the newest slice after the pass; nil where no rows judge.
    package var validationLoss: Double?
}

/// What happened in a training run.
package struct TrainingReport: Hashable, Sendable, Codable {
    package var trainingCount: Int
    package var validationCount: Int
    /// Loss of the untrained network on the newest slice.
    package var initialValidationLoss: Double?
    package var epochs: [EpochReport] = []
    /// The pass whose network was kept, from 1.
    package var bestEpoch = 0
    /// Its loss on the newest slice, or on the training rows where no rows judge.
    package var bestLoss = Double.infinity

    init(trainingCount: Int, validationCount: Int, initialValidationLoss: Double?) {
        self.trainingCount = trainingCount
        self.validationCount = validationCount
        self.initialValidationLoss = initialValidationLoss
    }
}
