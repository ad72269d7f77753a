package import HaggleCore
import HaggleMath

/// A serving snapshot as a policy: everything that does not depend on the context is computed once.
///
/// A pure function of the snapshot's bytes and the context: the factors are computed from the posterior's sums, so a snapshot that was
/// stored and read back gives the same bits. Reads one context at a time; O(K d^2 / 2) beside the network.
package struct SnapshotPolicy: Policy {
    package let snapshot: ServingSnapshot
    private let rule: ExplorationRule
    private let best = BestArm()
    /// What a shared posterior says; nil where arms are learned apart.
    private let joint: JointPosterior?
    /// Nothing has been learned: then the arms share equally, where a shared prior alone would favour the ends of the table.
    private let isEven: Bool
    /// mu of every arm, arm by arm; in standardised units.
    private let coefficients: [Double]
    /// `L^-1` of every arm, packed by columns, arm by arm; empty where the rule needs no standard deviations.
    private let inverseFactors: [Double]
    /// v of every arm.
    private let noise: [Double]

    package init(_ snapshot: ServingSnapshot) { self.init(snapshot, factor: nil) }

    /// - Parameter factor: of a shared posterior's joint matrix, where it is kept up to date elsewhere.
    init(_ snapshot: ServingSnapshot, factor: Cholesky?) {
        self.snapshot = snapshot
        let rule = ExplorationRule(snapshot.configuration, arms: snapshot.arms, controlIndex: snapshot.controlIndex)
            .fitted(to: snapshot.posterior, armCount: snapshot.arms.count)
        self.rule = rule
        var coefficients: [Double] = []
        var inverseFactors: [Double] = []
        var noise: [Double] = []
        let isShared = snapshot.design.kernel != nil
        if rule.needsScores, !isShared {
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
        joint =
            rule.needsScores && isShared
            ? JointPosterior(
                of: snapshot.posterior, design: snapshot.design, phiLength: snapshot.representation.dimension, factor: factor,
                variance: snapshot.configuration.variance) : nil
        isEven = isShared && snapshot.posterior.isEmpty
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
        if isEven { Self.flatten(&workspace) }
        rule.distribute(over: eligible, best: best(for: eligible), floor: floor, armCount: armCount, workspace: &workspace)
    }

    /// The means as monotone demand has them; those that P(best) draws around stay, it projects its draws itself.
    private func project(_ eligible: [Int], _ workspace: inout ChoiceWorkspace) {
        guard snapshot.configuration.isMonotone, !rule.samples, let kernel = snapshot.design.kernel else { return }
        var blocks: [(sum: Double, count: Int)] = []
        MonotoneProjection.apply(to: &workspace.means, along: kernel.deepening(eligible), blocks: &blocks)
    }

    /// The scores' means and standard deviations, one per eligible arm, in standardised units; no deviations where the rule reads none.
    package func scores(of eligible: [Int], in context: Context) -> (means: [Double], deviations: [Double]) {
        guard rule.needsScores else { return ([Double](repeating: 0, count: eligible.count), []) }
        var workspace = ChoiceWorkspace()
        snapshot.representation.writePhi(context, into: &workspace)
        score(eligible, workspace: &workspace)
        return (workspace.means, workspace.deviations)
    }

    /// The scores' covariance, row by row over the eligible arms, in standardised units squared; diagonal where arms are learned apart.
    package func covariance(of eligible: [Int], in context: Context) -> [Double] {
        var workspace = ChoiceWorkspace()
        snapshot.representation.writePhi(context, into: &workspace)
        score(eligible, workspace: &workspace)
        guard workspace.covariance.isEmpty else { return workspace.covariance }
        var result = [Double](repeating: 0, count: eligible.count * eligible.count)
        for (index, deviation) in workspace.deviations.enumerated() { result[index * (eligible.count + 1)] = deviation * deviation }
        return result
    }

    /// P(best) with the chain of depths where demand is monotone.
    private func best(for eligible: [Int]) -> BestArm {
        guard snapshot.configuration.isMonotone, let kernel = snapshot.design.kernel else { return best }
        var best = best
        best.chain = kernel.deepening(eligible)
        return best
    }

    /// Makes every arm's score the same certain one.
    private static func flatten(_ workspace: inout ChoiceWorkspace) {
        for index in workspace.means.indices { workspace.means[index] = 0 }
        for index in workspace.deviations.indices { workspace.deviations[index] = 0 }
        for index in workspace.covariance.indices { workspace.covariance[index] = 0 }
    }

    private func score(_ eligible: [Int], workspace: inout ChoiceWorkspace) {
        ChoiceWorkspace.resize(&workspace.covariance, to: 0)
        if let joint {
            precondition(workspace.phi.count == snapshot.representation.dimension, "phi must be this snapshot's")
            precondition(eligible.allSatisfy { $0 >= 0 && $0 < armCount }, "an eligible arm must be one of the arms")
            joint.means(of: eligible, workspace: &workspace)
            if rule.needsDeviations {
                joint.covariance(of: eligible, workspace: &workspace)
            } else {
                ChoiceWorkspace.resize(&workspace.deviations, to: 0)
            }
            project(eligible, &workspace)
            return
        }
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
                        guard var line = factors.baseAddress, var target = product.baseAddress else { return 0.0 }
                        unsafe line += arm * packedCount
                        for column in 0..<dimension {
                            let length = dimension - column
                            let x = unsafe phi[column]
                            // Bases move and not indices: a sum of indices is checked for overflow, and that keeps the loop scalar.
                            if x != 0 {
                                for i in 0..<length { unsafe target[i] += x * line[i] }
                            }
                            unsafe line += length
                            unsafe target += 1
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
