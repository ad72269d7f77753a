package import HaggleCore
import HaggleMath

/// A serving snapshot as a policy: everything that does not depend on the context is computed once.
///
/// A pure function of the snapshot's bytes and the context: the factors are computed from the posterior's sums, so a snapshot that was
/// stored and read back gives the same bits. Reads one context at a time; O(K d^2 / 2) beside the network.
package struct SnapshotPolicy: Policy {
    package let snapshot: ServingSnapshot
    private let rule: ExplorationRule
    private let best = ProbabilityOfBest()
    private let representation: Representation
    /// mu of every arm, arm by arm; in standardised units.
    private let coefficients: [Double]
    /// `L^-1` of every arm, packed by columns, arm by arm; empty where the rule needs no standard deviations.
    private let inverseFactors: [Double]
    /// v of every arm.
    private let noise: [Double]

    package init(_ snapshot: ServingSnapshot) {
        self.snapshot = snapshot
        representation = snapshot.representation
        let rule = ExplorationRule(snapshot.configuration, arms: snapshot.arms, controlIndex: snapshot.controlIndex)
        self.rule = rule
        var coefficients: [Double] = []
        var inverseFactors: [Double] = []
        var noise: [Double] = []
        if rule.needsScores {
            let posterior = snapshot.posterior
            let scale = posterior.rewardScale
            for arm in posterior.arms.indices {
                let factor = posterior.factor(arm: arm)
                let estimate = posterior.estimate(
                    arm: arm, factor: factor, scale: scale, variance: snapshot.configuration.variance)
                coefficients += estimate.coefficients
                noise.append(estimate.noiseVariance.squareRoot())
                if rule.needsDeviations { inverseFactors += factor.inverseFactor() }
            }
        }
        self.coefficients = coefficients
        self.inverseFactors = inverseFactors
        self.noise = noise
    }

    package var armCount: Int { snapshot.arms.count }

    package func distribution(over eligible: [Int], in context: Context) -> ArmDistribution {
        precondition(!eligible.isEmpty, "a distribution needs at least one eligible arm")
        return distribution(over: eligible, phi: rule.needsScores ? representation.phi(context) : [])
    }

    /// Whether a distribution depends on phi.
    var readsContext: Bool { rule.needsScores }

    /// The distribution for a context whose phi under this snapshot's representation is known; phi is not looked at unless `readsContext`.
    func distribution(over eligible: [Int], phi: [Double]) -> ArmDistribution {
        let floor = snapshot.configuration.floor
        guard rule.needsScores else {
            return rule.distribution(over: eligible, floor: floor, armCount: armCount, controlIndex: snapshot.controlIndex)
        }
        let (means, deviations) = scores(of: eligible, phi: phi)
        return rule.distribution(
            over: eligible, means: means, deviations: deviations, best: best, floor: floor, armCount: armCount)
    }

    /// The scores' means and standard deviations, one per eligible arm, in standardised units; no deviations where the rule reads none.
    package func scores(of eligible: [Int], in context: Context) -> (means: [Double], deviations: [Double]) {
        scores(of: eligible, phi: representation.phi(context))
    }

    private func scores(of eligible: [Int], phi: [Double]) -> (means: [Double], deviations: [Double]) {
        let dimension = phi.count
        let packedCount = SymmetricMatrix.packedCount(dimension)
        var means = [Double](repeating: 0, count: eligible.count)
        var deviations = [Double](repeating: 0, count: rule.needsDeviations ? eligible.count : 0)
        var product = [Double](repeating: 0, count: dimension)
        for position in eligible.indices {
            let arm = eligible[position]
            precondition(arm >= 0 && arm < armCount, "an eligible arm must be one of the arms")
            // Safe: an arm's coefficients and packed factor lie whole inside the arrays, which hold `armCount` of each.
            unsafe coefficients.withUnsafeBufferPointer { coefficients in
                var sum = 0.0
                for index in 0..<dimension { unsafe sum += coefficients[arm * dimension + index] * phi[index] }
                means[position] = sum
            }
            guard rule.needsDeviations else { continue }
            let squaredLength = unsafe inverseFactors.withUnsafeBufferPointer { factors in
                unsafe product.withUnsafeMutableBufferPointer { product in
                    unsafe phi.withUnsafeBufferPointer { phi in
                        for index in 0..<dimension { unsafe product[index] = 0 }
                        var start = arm * packedCount
                        for column in 0..<dimension {
                            let length = dimension - column
                            let x = unsafe phi[column]
                            if x != 0 {
                                for i in 0..<length { unsafe product[column + i] += x * factors[start + i] }
                            }
                            start += length
                        }
                        var sum = 0.0
                        for index in 0..<dimension { unsafe sum += product[index] * product[index] }
                        return sum
                    }
                }
            }
            deviations[position] = noise[arm] * squaredLength.squareRoot()
        }
        return (means, deviations)
    }
}
