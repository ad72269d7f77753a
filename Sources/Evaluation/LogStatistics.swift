import HaggleCore
import HaggleMath

/// What is known of a log whatever the policies: how often arms came, how good the reward model is, which units recur; O(arms) per row,
/// bounded memory, mergeable.
struct LogStatistics: Sendable {
    /// How the log used one arm.
    struct ArmTotals: Sendable {
        /// Rows that showed it.
        var rowCount = 0
        /// The smallest propensity with which it was shown; infinite where it never was.
        var smallestPropensity = Double.infinity
        /// Sum of its propensities over the rows that hold every arm's.
        var propensities = CompensatedSum()
    }

    var arms: [ArmTotals]
    /// Rows that hold every arm's propensity.
    var fullRowCount = 0
    /// Rows that carry a time.
    var timedRowCount = 0
    var frequencies: ArmFrequencies
    /// Empty without a reward model.
    var calibration = RewardCalibration()
    var unitSample = UnitSample()

    init(armCount: Int) {
        arms = [ArmTotals](repeating: ArmTotals(), count: armCount)
        frequencies = ArmFrequencies(armCount: armCount)
    }

    /// Adds what every row has.
    mutating func add(arm: Int, propensity: Double, unit: UInt64?, time: Timestamp?) {
        arms[arm].rowCount += 1
        arms[arm].smallestPropensity = min(arms[arm].smallestPropensity, propensity)
        if time != nil { timedRowCount += 1 }
        if let unit { unitSample.add(unit: unit, time: time?.microseconds) }
    }

    /// Adds every arm's propensity of a row.
    mutating func add(arm: Int, propensities: [Double], snapshot: SnapshotVersion?, time: Timestamp?) {
        fullRowCount += 1
        for (index, p) in propensities.enumerated() { arms[index].propensities += p }
        frequencies.add(arm: arm, propensities: propensities, snapshot: snapshot, time: time)
    }

    mutating func merge(_ other: Self) {
        for index in arms.indices {
            arms[index].rowCount += other.arms[index].rowCount
            arms[index].smallestPropensity = min(arms[index].smallestPropensity, other.arms[index].smallestPropensity)
            arms[index].propensities.merge(other.arms[index].propensities)
        }
        fullRowCount += other.fullRowCount
        timedRowCount += other.timedRowCount
        frequencies.merge(other.frequencies)
        calibration.merge(other.calibration)
        unitSample.merge(other.unitSample)
    }
}
