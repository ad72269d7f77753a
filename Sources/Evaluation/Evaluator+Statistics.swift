import HaggleCore

extension Evaluator {
    /// What a checked row tells beside the estimators' terms.
    /// - Parameters:
    ///   - unit: the hash of its unit where errors are clustered by unit.
    ///   - key: its resampling key.
    ///   - estimates: empty without a reward model.
    mutating func noteRow(
        arm: Int, propensity: Double, reward: Double, unit: UInt64?, key: UInt64, estimates: Span<Double>, time: Timestamp?
    ) {
        log.add(arm: arm, propensity: propensity, unit: unit, time: time)
        course.begin(time: time, row: nextRow, key: key)
        guard !estimates.isEmpty else { return }
        log.calibration.add(estimate: estimates[arm], reward: reward, key: key)
        if let range = options.rewardRange { log.calibration.check(estimates, range: range) }
    }
}
