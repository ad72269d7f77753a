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
    /// mu of every arm, arm by arm; in standardised units.
    private let coefficients: [Double]
    /// `L^-1` of every arm, packed by columns, arm by arm; empty where the rule needs no standard deviations.
    private let inverseFactors: [Double]
    /// v of every arm.
    private let noise: [Double]

    package init(_ snapshot: ServingSnapshot) {
        self.snapshot = snapshot
        let rule = ExplorationRule(snapshot.configuration, arms: snapshot.arms, controlIndex: snapshot.controlIndex)
            .fitted(to: snapshot.posterior)
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
        var workspace = ChoiceWorkspace()
        distribute(over: eligible, in: context, workspace: &workspace)
        return workspace.distribution
    }

    /// The bits of `distribution(over:in:)`, written to the workspace's `distribution`; nothing is allocated in the steady state.
    package func distribute(over eligible: [Int], in context: Context, workspace: inout ChoiceWorkspace) {
        precondition(!eligible.isEmpty, "a distribution needs at least one eligible arm")
        if readsPhi { snapshot.representation.writePhi(context, into: &workspace) }
        distribute(over: eligible, context: context, workspace: &workspace)
    }

    /// Whether a distribution depends on phi.
    var readsPhi: Bool { rule.needsScores }

    /// The same, for a context whose phi under this snapshot's representation stands in the workspace already where `readsPhi`.
    func distribute(over eligible: [Int], context: Context, workspace: inout ChoiceWorkspace) {
        let floor = snapshot.configuration.floor
        guard rule.needsScores else {
            rule.distribute(
                over: eligible, in: context, floor: floor, armCount: armCount, controlIndex: snapshot.controlIndex, workspace: &workspace)
            return
        }
        score(eligible, workspace: &workspace)
        rule.distribute(over: eligible, best: best, floor: floor, armCount: armCount, workspace: &workspace)
    }

    /// The scores' means and standard deviations, one per eligible arm, in standardised units; no deviations where the rule reads none.
    package func scores(of eligible: [Int], in context: Context) -> (means: [Double], deviations: [Double]) {
        guard rule.needsScores else { return ([Double](repeating: 0, count: eligible.count), []) }
        var workspace = ChoiceWorkspace()
        snapshot.representation.writePhi(context, into: &workspace)
        score(eligible, workspace: &workspace)
        return (workspace.means, workspace.deviations)
    }

    private func score(_ eligible: [Int], workspace: inout ChoiceWorkspace) {
        let dimension = workspace.phi.count
        precondition(dimension == snapshot.posterior.dimension, "phi must be this snapshot's")
        let packedCount = SymmetricMatrix.packedCount(dimension)
        ChoiceWorkspace.resize(&workspace.means, to: eligible.count)
        ChoiceWorkspace.resize(&workspace.deviations, to: rule.needsDeviations ? eligible.count : 0)
        ChoiceWorkspace.resize(&workspace.product, to: dimension)
        for position in eligible.indices {
            let arm = eligible[position]
            precondition(arm >= 0 && arm < armCount, "an eligible arm must be one of the arms")
            // Safe: an arm's coefficients and packed factor lie whole inside the arrays, which hold `armCount` of each, and phi and product
            // have `dimension` elements.
            workspace.means[position] = unsafe coefficients.withUnsafeBufferPointer { coefficients in
                var sum = 0.0
                for index in 0..<dimension { unsafe sum += coefficients[arm * dimension + index] * workspace.phi[index] }
                return sum
            }
            guard rule.needsDeviations else { continue }
            let squaredLength = unsafe inverseFactors.withUnsafeBufferPointer { factors in
                unsafe workspace.product.withUnsafeMutableBufferPointer { product in
                    unsafe workspace.phi.withUnsafeBufferPointer { phi in
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
            workspace.deviations[position] = noise[arm] * squaredLength.squareRoot()
        }
    }
}
