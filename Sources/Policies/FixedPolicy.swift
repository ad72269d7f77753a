package import HaggleCore

/// The same probabilities whatever the context: `fixed`.
package struct FixedPolicy: Policy {
    /// One weight per arm, not all 0.
    package let probabilities: [Double]
    /// Where everything goes when no eligible arm has a probability; else the first eligible arm.
    package let controlIndex: Int

    /// - Precondition: finite, not negative, not all 0.
    package init(probabilities: [Double], controlIndex: Int = 0) {
        precondition(
            probabilities.allSatisfy { $0 >= 0 && $0.isFinite } && probabilities.contains { $0 > 0 }, "a fixed policy needs probabilities")
        self.probabilities = probabilities
        self.controlIndex = controlIndex
    }

    /// One arm for certain.
    package init(arm: Int, armCount: Int, controlIndex: Int = 0) {
        var probabilities = [Double](repeating: 0, count: armCount)
        probabilities[arm] = 1
        self.init(probabilities: probabilities, controlIndex: controlIndex)
    }

    package var armCount: Int { probabilities.count }

    /// The probabilities, renormalised over the eligible arms.
    package func distribution(over eligible: [Int], in context: Context) -> ArmDistribution {
        var workspace = ChoiceWorkspace()
        ExplorationRule.given(probabilities).distribute(
            over: eligible, in: context, floor: 0, armCount: armCount, controlIndex: controlIndex, workspace: &workspace)
        return workspace.distribution
    }
}
