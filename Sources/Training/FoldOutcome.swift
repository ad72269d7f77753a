package import NeuralNetwork

/// What training one model on one fold came to: everything the report needs, in a line of the state file.
package struct FoldOutcome: Hashable, Sendable, Codable {
    package var trainingCount: Int
    package var validationCount: Int
    /// Wall-clock time of training.
    package var seconds: Double
    /// Mean squared error of the estimates for the held-out rows, in units of the variance of all rewards: a constant scores about 1,
    /// whatever loss trained the model. Nil where training failed.
    package var loss: Double?
    /// Passes of the network, its losses as trained; empty for a model without passes.
    package var epochs: [EpochReport] = []
    package var bestEpoch: Int?
    /// The pass in which the loss stopped being finite; the network of the best pass before is used, if there is one.
    package var divergedAt: Int?
    /// Why there is no model, where it did not diverge.
    package var failure: String?
    /// Whether rows were too few for the model, so that each arm's mean stood in for it.
    package var isMeans = false
    package var calibration: CalibrationSums?
    /// Of the model's greedy policy on the held-out rows; nil for a log without propensities.
    package var value: ValueSums?
}
