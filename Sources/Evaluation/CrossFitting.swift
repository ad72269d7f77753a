package import HaggleCore
import HaggleMath

/// Fits a reward model k times, each time without one fold, so that no row is corrected by a model that has seen it.
///
/// A fold is a pure function of the unit (hash of its id) or, without a unit, of the row's number; so all rows of a unit lie in one fold, and
/// a model never saw another row of the unit whose row it corrects. It is fitted on a sample of the log where the log is long; the rows that
/// are not in the sample are scored by the same rule.
///
/// Chernozhukov et al. 2018, "Double/debiased machine learning".
package struct CrossFitting: Sendable {
    /// k, at least 2.
    package let foldCount: Int
    package let seed: UInt64

    package init(foldCount: Int = 5, seed: UInt64 = 1) {
        precondition(foldCount >= 2, "cross-fitting needs at least two folds")
        self.foldCount = foldCount
        self.seed = seed
    }

    /// The fold of a row, in `0..<foldCount`.
    /// - Parameter row: the row's number in the log, from 0.
    package func fold(unit: UnitID?, row: Int) -> Int {
        let key = unit.map { PoissonWeights.key(seed: ~seed, unitHash: $0.hash64) } ?? PoissonWeights.key(seed: ~seed, row: row)
        return Int(key.multipliedFullWidth(by: UInt64(foldCount)).high)
    }

    /// Fits one model per fold, each on the rows of all other folds.
    /// - Parameters:
    ///   - sample: of the log.
    ///   - weight: how much a row counts in the fit, finite and not negative; nil: all the same.
    /// - Throws: `EvaluationError.tooFewRowsToCrossFit` where a fold leaves nothing to fit on, and what the trainer throws.
    package func fit(
        _ trainer: any RewardModelTrainer, on sample: FittingSample, armCount: Int, weight: ((Interaction) -> Double)? = nil
    ) throws -> CrossFittedModel {
        let folds = sample.entries.map { fold(unit: $0.interaction.unit, row: $0.row) }
        var models: [any RewardModel] = []
        for excluded in 0..<foldCount {
            try Task.checkCancellation()
            let training = zip(sample.entries, folds).filter { $1 != excluded }.map(\.0.interaction)
            guard !training.isEmpty else {
                throw EvaluationError.tooFewRowsToCrossFit(folds: foldCount, rows: sample.entries.count)
            }
            if let weight {
                models.append(try trainer.train(on: training, weights: training.map(weight), armCount: armCount))
            } else {
                models.append(try trainer.train(on: training, armCount: armCount))
            }
        }
        return CrossFittedModel(crossFitting: self, models: models, armCount: armCount)
    }
}

/// The models of all folds; asks for each row the one that has not seen it.
package struct CrossFittedModel: Sendable {
    package let crossFitting: CrossFitting
    /// `models[f]` was fitted without fold f.
    package let models: [any RewardModel]
    package let armCount: Int

    /// The estimates for one row of the log that the models were fitted on, one per arm.
    package func estimates(context: Context, unit: UnitID?, row: Int) -> [Double] {
        var estimates = [Double](repeating: 0, count: armCount)
        models[crossFitting.fold(unit: unit, row: row)].estimate(in: context, into: &estimates)
        return estimates
    }
}
