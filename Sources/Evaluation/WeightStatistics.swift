import HaggleMath

/// What one policy's diagnostics are computed from; O(arms) per row, bounded memory, mergeable.
struct WeightStatistics: Sendable {
    /// What the policy and the log do with one arm.
    struct ArmTotals: Sendable {
        /// Sum of the policy's probabilities of the arm.
        var target = CompensatedSum()
        /// The same over rows where the arm had propensity 0.
        var impossible = CompensatedSum()
        /// Sums of w and w^2 over rows that showed the arm.
        var weight = CompensatedSum()
        var weightSquares = CompensatedSum()

        mutating func merge(_ other: Self) {
            target.merge(other.target)
            impossible.merge(other.impossible)
            weight.merge(other.weight)
            weightSquares.merge(other.weightSquares)
        }
    }

    /// The heaviest row.
    struct Heaviest: Sendable, Equatable {
        var weight = 0.0
        var arm = 0
        var propensity = 1.0

        /// By weight, then by what does not depend on the order of rows.
        mutating func offer(_ other: Self) {
            if (other.weight, -other.arm, -other.propensity) > (weight, -arm, -propensity) { self = other }
        }
    }

    var sum = CompensatedSum()
    var sumOfSquares = CompensatedSum()
    var rewardedSum = CompensatedSum()
    var rewardedSumOfSquares = CompensatedSum()
    var rewardedRowCount = 0
    var heaviest = Heaviest()
    var tail = TailSample(capacity: ParetoTail.largestTailCount + 1)
    var sketch = WeightSketch()
    /// Over rows that hold every arm's propensity: how many, and the policy's probability on arms below 0.01 and at 0.
    var checkableRowCount = 0
    var rareMass = CompensatedSum()
    var impossibleMass = CompensatedSum()
    /// Rows whose whole target distribution is known: all but those of the logging policy where only chosen propensities are.
    var targetRowCount = 0
    var arms: [ArmTotals]

    init(armCount: Int) { arms = [ArmTotals](repeating: ArmTotals(), count: armCount) }

    /// Adds one row.
    mutating func add(weight: Double, hasReward: Bool, arm: Int, propensity: Double) {
        let square = weight * weight
        sum += weight
        sumOfSquares += square
        if hasReward {
            rewardedSum += weight
            rewardedSumOfSquares += square
            rewardedRowCount += 1
        }
        if weight >= heaviest.weight { heaviest.offer(Heaviest(weight: weight, arm: arm, propensity: propensity)) }
        arms[arm].weight += weight
        arms[arm].weightSquares += square
        tail.add(weight)
        sketch.add(weight)
    }

    /// Adds a row's target distribution, one probability per arm.
    mutating func addTarget(_ target: Span<Double>) {
        targetRowCount += 1
        for arm in arms.indices { arms[arm].target += target[arm] }
    }

    /// Adds the masses of a row that holds every arm's propensity.
    mutating func addMass(target: [Double], propensities: [Double]) {
        checkableRowCount += 1
        for (arm, propensity) in propensities.enumerated() where propensity < 0.01 {
            let probability = target[arm]
            rareMass += probability
            if propensity == 0 {
                impossibleMass += probability
                arms[arm].impossible += probability
            }
        }
    }

    mutating func merge(_ other: Self) {
        sum.merge(other.sum)
        sumOfSquares.merge(other.sumOfSquares)
        rewardedSum.merge(other.rewardedSum)
        rewardedSumOfSquares.merge(other.rewardedSumOfSquares)
        rewardedRowCount += other.rewardedRowCount
        heaviest.offer(other.heaviest)
        tail.merge(other.tail)
        sketch.merge(other.sketch)
        checkableRowCount += other.checkableRowCount
        rareMass.merge(other.rareMass)
        impossibleMass.merge(other.impossibleMass)
        targetRowCount += other.targetRowCount
        for arm in arms.indices { arms[arm].merge(other.arms[arm]) }
    }

    /// The diagnostics of n rows; those that come from elsewhere are null.
    func diagnostics(rowCount: Int) -> Diagnostics {
        let count = Double(rowCount)
        let effective = Self.effectiveSize(sum.value, sumOfSquares.value)
        let heaviestPercent = sketch.sumOfLargest((rowCount + 99) / 100)
        let checkable = Double(checkableRowCount)
        let total = sum.value
        return Diagnostics(
            effectiveSampleSize: effective, effectiveSampleShare: effective / count,
            rewardedEffectiveSampleSize: Self.effectiveSize(rewardedSum.value, rewardedSumOfSquares.value),
            rewardedRowCount: rewardedRowCount, meanWeight: total / count, meanWeightZ: nil, maximumWeight: heaviest.weight,
            maximumWeightShare: total > 0 ? min(1, heaviest.weight / total) : 0,
            topPercentWeightShare: total > 0 ? min(1, heaviestPercent / total) : 0,
            paretoK: ParetoTail.shape(descending: tail.descending, rowCount: rowCount),
            targetMassOnRareArms: checkableRowCount > 0 ? rareMass.value / checkable : nil,
            targetMassOnImpossibleArms: checkableRowCount > 0 ? impossibleMass.value / checkable : nil,
            estimatorDisagreement: nil, armFrequencies: nil)
    }

    /// (sum w)^2 / sum w^2; 0 where no row has a weight.
    static func effectiveSize(_ sum: Double, _ sumOfSquares: Double) -> Double {
        sumOfSquares > 0 ? sum / sumOfSquares * sum : 0
    }
}
