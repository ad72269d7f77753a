import Foundation
import HaggleCore
import NeuralNetwork
import Policies

/// Trains one model on one fold and judges it on the rows that were held out.
struct FoldTraining: Sendable {
    let rows: [Interaction]
    let schema: FeatureSchema
    let armCount: Int
    let ridge: Double
    /// The reward without a conversion, from which a two-part loss tells one.
    let defaultReward: Double
    let seed: UInt64
    /// What squared errors are divided by.
    let unit: Double
    let recordsTensors: Bool

    func run(_ model: PolicyConfiguration.Model, on fold: FoldPlan.Fold) throws -> (outcome: FoldOutcome, tensors: [TensorPass]) {
        try Task.checkCancellation()
        var outcome = FoldOutcome(trainingCount: fold.training.count, validationCount: fold.validation.count, seconds: 0)
        var tensors: [TensorPass] = []
        let training = fold.training.map { rows[$0] }
        let clock = ContinuousClock()
        let start = clock.now
        do {
            let fitted = try fit(model, to: training, &outcome, &tensors)
            outcome.seconds = (clock.now - start) / .seconds(1)
            judge(fitted, on: fold.validation.map { rows[$0] }, &outcome)
        } catch NeuralNetworkError.diverged(let epoch) {
            outcome.seconds = (clock.now - start) / .seconds(1)
            outcome.divergedAt = epoch
        } catch NeuralNetworkError.cancelled {
            throw CancellationError()
        }
        return (outcome, tensors)
    }

    private func fit(
        _ model: PolicyConfiguration.Model, to training: [Interaction], _ outcome: inout FoldOutcome, _ tensors: inout [TensorPass]
    ) throws -> any RewardModel {
        if model.kind == .linear { return try LinearRewardTrainer(schema: schema, ridge: ridge).train(on: training, armCount: armCount) }
        let trainer = NeuralRewardTrainer(schema: schema, model: model, defaultReward: defaultReward, seed: seed)
        var passes: [TensorPass] = []
        let observe: TensorObserver = { passes.append(TensorPass(epoch: $0.epoch, tensors: $1)) }
        defer { tensors = passes }
        let (fitted, report) = try trainer.train(
            on: training, armCount: armCount, progress: nil, observe: recordsTensors ? observe : nil)
        guard let report else {
            outcome.isMeans = true
            return fitted
        }
        outcome.epochs = report.epochs
        outcome.bestEpoch = report.bestEpoch
        // A run ends early for want of patience, or because its loss stopped being finite.
        if let last = report.epochs.last?.epoch, last < max(1, model.epochs), last - report.bestEpoch < model.patience {
            outcome.divergedAt = last + 1
        }
        return fitted
    }

    private func judge(_ model: any RewardModel, on held: [Interaction], _ outcome: inout FoldOutcome) {
        var estimates = [[Double]](repeating: [], count: held.count)
        var buffer = [Double](repeating: 0, count: armCount)
        var squares = 0.0
        for (index, row) in held.enumerated() {
            model.estimate(in: row.context, into: &buffer)
            estimates[index] = buffer
            let error = row.reward - buffer[row.arm]
            squares += error * error
        }
        let loss = squares / Double(held.count) / unit
        guard loss.isFinite, estimates.allSatisfy({ $0.allSatisfy(\.isFinite) }) else {
            outcome.failure = "its estimates are not finite"
            return
        }
        outcome.loss = loss
        outcome.calibration = CalibrationSums(
            estimates: zip(held, estimates).map { $1[$0.arm] }, rewards: held.map(\.reward))
        outcome.value = ValueSums(held, estimates: estimates)
    }
}
