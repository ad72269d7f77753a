import HaggleCore

extension Evaluator {
    /// What a checked row tells beside the estimators' terms.
    /// - Parameters:
    ///   - unit: the hash of its unit where errors are clustered by unit.
    ///   - key: its resampling key.
    mutating func noteRow(
        arm: Int, propensity: Double, reward: Double, unit: UInt64?, key: UInt64, estimates: ArraySlice<Double>?, time: Timestamp?
    ) {
        log.add(arm: arm, propensity: propensity, unit: unit, time: time)
        course.begin(time: time, row: nextRow, key: key)
        guard let estimates else { return }
        log.calibration.add(estimate: estimates[estimates.startIndex + arm], reward: reward, key: key)
        if let range = options.rewardRange { log.calibration.check(estimates, range: range) }
    }
}
