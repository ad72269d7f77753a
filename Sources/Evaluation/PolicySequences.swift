import HaggleMath

/// Confidence sequences for the value of every policy and for every difference of two, from one pass over the rows in the order of the log.
///
/// With rewards scaled from the declared range to 0...1, w the weight of the logged arm a and q an estimate that was made before the row, a row
/// gives each policy
///
/// ```
/// phi  = w (r - min(q(a), k / w)) + sum over b of pi(b) min(q(b), k / w(b))               mean: the policy's value v at most, and v itself
/// phi' = w (1 - r - min(1 - q(a), k / w)) + sum over b of pi(b) min(1 - q(b), k / w(b))   likewise for 1 - v
/// ```
/// both at least -k: a lower bound for the mean of phi is one for v, and one for the mean of phi' gives an upper bound. A difference v - u has
/// (phi of v + phi' of u) / 2 with mean (v - u + 1) / 2. k is the declared bound on weights, with which nothing is cut, or else the largest
/// weight of earlier rows, at least 1. Where neither a bound nor every arm's propensity is known, cut estimates cannot be averaged over the
/// arms, and q is 0.
///
/// There are two sets: with the mean reward of the rows before as q for all arms, and with the reward model's estimates where rows carry
/// some that were fitted on the past. Each side takes half of 1 - level.
///
/// Parts of a log can only be chained, not merged: the order of rows is part of the state.
///
/// Waudby-Smith, Wu, Ramdas, Karampatziakis & Mineiro 2022, "Anytime-valid off-policy inference for contextual bandits".
package struct PolicySequences: Sendable {
    /// What a row says about one policy.
    package struct Row: Sendable {
        /// w; 1 for the logging policy.
        package var weight: Double
        /// Empty for a logging policy of which only the chosen propensity is known: the arm itself stands in for it.
        package var target: ArraySlice<Double>

        package init(weight: Double, target: ArraySlice<Double>) {
            self.weight = weight
            self.target = target
        }

        /// phi and phi'.
        @inline(__always)
        func outcome(
            arm: Int, reward: Double, propensities: ArraySlice<Double>?, offset: Double, averages: Bool, estimate: (Int) -> Double
        ) -> (low: Double, high: Double) {
            if target.isEmpty { return (reward, 1 - reward) }
            guard averages else { return (weight * reward, weight * (1 - reward)) }
            let cap = weight > 0 ? offset / weight : .infinity
            let logged = estimate(arm)
            var low = weight * (reward - min(logged, cap))
            var high = weight * (1 - reward - min(1 - logged, cap))
            for other in 0..<target.count {
                let probability = target[target.startIndex + other]
                guard probability > 0 else { continue }
                var cap = Double.infinity
                if let propensities { cap = offset * propensities[propensities.startIndex + other] / probability }
                let value = estimate(other)
                low += probability * min(value, cap)
                high += probability * min(1 - value, cap)
            }
            return (low, high)
        }
    }

    /// Lower bounds for the means of phi and phi', by policy, and of both ends of each difference, by pair.
    private struct Sides: Sendable {
        var below: [ConfidenceSequence]
        var above: [ConfidenceSequence]
        var pairBelow: [ConfidenceSequence]
        var pairAbove: [ConfidenceSequence]
        /// phi and phi' of the row at hand.
        private var outcomes: [(low: Double, high: Double)]

        init(policyCount: Int, alpha: Double) {
            let sequence = ConfidenceSequence(alpha: alpha)
            let pairCount = policyCount * (policyCount - 1) / 2
            below = [ConfidenceSequence](repeating: sequence, count: policyCount)
            above = below
            pairBelow = [ConfidenceSequence](repeating: sequence, count: pairCount)
            pairAbove = pairBelow
            outcomes = [(low: Double, high: Double)](repeating: (0, 0), count: policyCount)
        }

        /// Adds a row.
        /// - Parameters:
        ///   - offsets: k of each policy.
        ///   - averages: whether cut estimates can be averaged over the arms.
        @inline(__always)
        mutating func advance(
            _ rows: [Row], arm: Int, reward: Double, propensities: ArraySlice<Double>?, offsets: [Double], averages: Bool,
            estimate: (Int) -> Double
        ) {
            var pair = 0
            for policy in rows.indices {
                let offset = offsets[policy]
                let (low, high) = rows[policy].outcome(
                    arm: arm, reward: reward, propensities: propensities, offset: offset, averages: averages, estimate: estimate)
                outcomes[policy] = (low, high)
                below[policy].add(low, offset: offset)
                above[policy].add(high, offset: offset)
                for baseline in 0..<policy {
                    let common = 0.5 * (offset + offsets[baseline])
                    pairBelow[pair].add(0.5 * (low + outcomes[baseline].high), offset: common)
                    pairAbove[pair].add(0.5 * (high + outcomes[baseline].low), offset: common)
                    pair += 1
                }
            }
        }
    }

    private let rewardRange: ClosedRange<Double>
    private let weightBound: Double?
    private let policyCount: Int
    private let level: Double
    private var withMean: Sides
    private var withModel: Sides
    /// Whether every row so far carried estimates.
    private var hasModel = true
    package private(set) var rowCount = 0
    /// Sum of scaled rewards, with half a row of 1/2 to begin with.
    private var rewardSum = 0.25
    private var largestWeights: [Double]

    /// - Parameters:
    ///   - rewardRange: as declared.
    ///   - weightBound: as declared, at least 1; nil: not declared.
    package init(rewardRange: ClosedRange<Double>, weightBound: Double?, policyCount: Int, level: Double) {
        self.rewardRange = rewardRange
        self.weightBound = weightBound
        self.policyCount = policyCount
        self.level = level
        withMean = Sides(policyCount: policyCount, alpha: (1 - level) / 2)
        withModel = withMean
        largestWeights = [Double](repeating: 1, count: policyCount)
    }

    /// The same without rows.
    var emptied: Self {
        Self(rewardRange: rewardRange, weightBound: weightBound, policyCount: policyCount, level: level)
    }

    /// Adds the next row. O(policies * arms + policies^2).
    /// - Parameters:
    ///   - rows: one per policy, of checked weights and probabilities.
    ///   - reward: in the declared range.
    ///   - propensities: every arm's; nil where the log holds only the chosen one.
    ///   - pastEstimates: of a model fitted on earlier rows only, one per arm; nil without.
    package mutating func add(
        _ rows: [Row], arm: Int, reward: Double, propensities: ArraySlice<Double>?, pastEstimates: ArraySlice<Double>?
    ) {
        let width = rewardRange.upperBound - rewardRange.lowerBound
        let scaled = (reward - rewardRange.lowerBound) / width
        let mean = rewardSum / (Double(rowCount) + 0.5)
        let range = rewardRange
        let offsets = weightBound.map { [Double](repeating: $0, count: policyCount) } ?? largestWeights
        let averages = propensities != nil || weightBound != nil
        withMean.advance(
            rows, arm: arm, reward: scaled, propensities: propensities, offsets: offsets, averages: averages
        ) { _ in mean }
        if hasModel, let pastEstimates {
            let first = pastEstimates.startIndex
            withModel.advance(
                rows, arm: arm, reward: scaled, propensities: propensities, offsets: offsets, averages: averages
            ) { arm in min(max((pastEstimates[first + arm] - range.lowerBound) / width, 0), 1) }
        } else {
            hasModel = false
        }
        for policy in 0..<policyCount { largestWeights[policy] = max(largestWeights[policy], rows[policy].weight) }
        rewardSum += scaled
        rowCount += 1
    }

    /// The bounds of a policy's value after the last row; nil without rows, or with a model that not every row had.
    package func value(of policy: Int, withModel isModel: Bool) -> (lower: Double, upper: Double)? {
        guard rowCount > 0, !isModel || hasModel else { return nil }
        let sides = isModel ? withModel : withMean
        return unscaled(lower: sides.below[policy].lowerBound, upper: 1 - sides.above[policy].lowerBound, shift: rewardRange.lowerBound)
    }

    /// The bounds of the value of one policy minus that of an earlier one.
    package func difference(_ policy: Int, minus baseline: Int, withModel isModel: Bool) -> (lower: Double, upper: Double)? {
        precondition(baseline < policy, "differences are kept of the later policy minus the earlier one")
        guard rowCount > 0, !isModel || hasModel else { return nil }
        let sides = isModel ? withModel : withMean
        let pair = policy * (policy - 1) / 2 + baseline
        return unscaled(lower: 2 * sides.pairBelow[pair].lowerBound - 1, upper: 1 - 2 * sides.pairAbove[pair].lowerBound, shift: 0)
    }

    private func unscaled(lower: Double, upper: Double, shift: Double) -> (lower: Double, upper: Double) {
        let width = rewardRange.upperBound - rewardRange.lowerBound
        return (shift + width * lower, shift + width * upper)
    }
}
