import Evaluation
import HaggleCore
import Policies

/// A log whose propensities are a model's guess, on explicit request.
struct EstimatedPropensities {
    let source: InteractionList
    /// What the reader must know.
    let warnings: [String]

    /// Fits the model k times, each time without one fold of units, and gives every row the propensities of the model that has not seen its
    /// unit. The log is held in memory.
    static func fit(to log: some InteractionSource, schema: FeatureSchema, folds: Int, seed: UInt64) async throws -> EstimatedPropensities {
        var rows: [Interaction] = []
        for try await row in log.interactions() { rows.append(row) }
        guard rows.count >= folds else { throw WorkbenchError.emptyLog(what: "too few rows to estimate propensities: \(rows.count)") }
        let armCount = log.arms.count
        let crossFitting = CrossFitting(foldCount: folds, seed: seed)
        let foldOf = rows.indices.map { crossFitting.fold(unit: rows[$0].unit, row: $0) }
        var models: [PropensityModel] = []
        for fold in 0..<folds {
            try Task.checkCancellation()
            let training = rows.indices.filter { foldOf[$0] != fold }.map { rows[$0] }
            models.append(try PropensityModel(fittedTo: training, schema: schema, armCount: armCount))
        }
        var calibration = PropensityCalibration(armCount: armCount)
        for index in rows.indices {
            let eligible = rows[index].eligible ?? Array(0..<armCount)
            let distribution = models[foldOf[index]].distribution(over: eligible, in: rows[index].context)
            calibration.add(distribution, eligible: eligible, chosen: rows[index].arm)
            rows[index].propensities = distribution.probabilities
            rows[index].propensity = distribution[rows[index].arm]
        }
        // That they are estimated the report says itself.
        var warnings: [String] = []
        if let error = calibration.calibrationError, let explained = calibration.explainedShare {
            warnings.append(
                "the propensity model explains \(percent(explained)) of the choice's uncertainty, its calibration error is "
                    + "\(percent(error)), and the least propensity of a chosen arm is \(calibration.leastChosen.rounded(toPlaces: 5))")
        }
        if models.contains(where: { !$0.isConverged }) {
            warnings.append("the propensity model did not converge; its numbers are worth less than they look")
        }
        return EstimatedPropensities(source: InteractionList(arms: log.arms, rows: rows), warnings: warnings)
    }

    private static func percent(_ share: Double) -> String { "\((100 * share).rounded(toPlaces: 1)) %" }
}

extension Double {
    fileprivate func rounded(toPlaces places: Int) -> Double {
        var scale = 1.0
        for _ in 0..<places { scale *= 10 }
        return (self * scale).rounded() / scale
    }
}
