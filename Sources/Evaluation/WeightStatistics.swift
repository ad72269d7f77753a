import HaggleMath

/// What one policy's diagnostics are computed from; O(1) per row, bounded memory, mergeable.
struct WeightStatistics: Sendable {
    private(set) var sum = CompensatedSum()
    private(set) var sumOfSquares = CompensatedSum()
    private(set) var rewardedSum = CompensatedSum()
    private(set) var rewardedSumOfSquares = CompensatedSum()
    private(set) var rewardedRowCount = 0
    private(set) var maximum = 0.0
    private(set) var tail = TailSample(capacity: ParetoTail.largestTailCount + 1)
    private(set) var sketch = WeightSketch()
    /// Over rows that hold every arm's propensity: how many, and the policy's probability on arms below 0.01 and at 0.
    private(set) var checkableRowCount = 0
    private(set) var rareMass = CompensatedSum()
    private(set) var impossibleMass = CompensatedSum()

    /// Adds one row.
    mutating func add(weight: Double, hasReward: Bool) {
        sum += weight
        sumOfSquares += weight * weight
        if hasReward {
            rewardedSum += weight
            rewardedSumOfSquares += weight * weight
            rewardedRowCount += 1
        }
        maximum = max(maximum, weight)
        tail.add(weight)
        sketch.add(weight)
    }

    /// Adds the masses of a row that holds every arm's propensity.
    mutating func addMass(rare: Double, impossible: Double) {
        checkableRowCount += 1
        rareMass += rare
        impossibleMass += impossible
    }

    mutating func merge(_ other: Self) {
        sum.merge(other.sum)
        sumOfSquares.merge(other.sumOfSquares)
        rewardedSum.merge(other.rewardedSum)
        rewardedSumOfSquares.merge(other.rewardedSumOfSquares)
        rewardedRowCount += other.rewardedRowCount
        maximum = max(maximum, other.maximum)
        tail.merge(other.tail)
        sketch.merge(other.sketch)
        checkableRowCount += other.checkableRowCount
        rareMass.merge(other.rareMass)
        impossibleMass.merge(other.impossibleMass)
    }

    /// The diagnostics of n rows.
    /// - Parameters:
    ///   - meanWeightZ, estimatorDisagreement, armFrequencies: computed elsewhere, passed through.
    func diagnostics(
        rowCount: Int, meanWeightZ: Double?, estimatorDisagreement: Double?, armFrequencies: ArmFrequencyCheck?
    ) -> Diagnostics {
        let count = Double(rowCount)
        let effective = Self.effectiveSize(sum.value, sumOfSquares.value)
        let heaviest = sketch.sumOfLargest((rowCount + 99) / 100)
        let checkable = Double(checkableRowCount)
        return Diagnostics(
            effectiveSampleSize: effective, effectiveSampleShare: effective / count,
            rewardedEffectiveSampleSize: Self.effectiveSize(rewardedSum.value, rewardedSumOfSquares.value),
            rewardedRowCount: rewardedRowCount, meanWeight: sum.value / count, meanWeightZ: meanWeightZ, maximumWeight: maximum,
            maximumWeightShare: sum.value > 0 ? maximum / sum.value : 0, topPercentWeightShare: sum.value > 0 ? heaviest / sum.value : 0,
            paretoK: ParetoTail.shape(descending: tail.descending, rowCount: rowCount),
            targetMassOnRareArms: checkableRowCount > 0 ? rareMass.value / checkable : nil,
            targetMassOnImpossibleArms: checkableRowCount > 0 ? impossibleMass.value / checkable : nil,
            estimatorDisagreement: estimatorDisagreement, armFrequencies: armFrequencies)
    }

    /// (sum w)^2 / sum w^2; 0 where no row has a weight.
    private static func effectiveSize(_ sum: Double, _ sumOfSquares: Double) -> Double {
        sumOfSquares > 0 ? sum / sumOfSquares * sum : 0
    }
}
