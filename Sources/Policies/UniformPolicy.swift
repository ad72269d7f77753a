package import HaggleCore

/// Every eligible arm alike: `uniform`.
package struct UniformPolicy: Policy {
    package let armCount: Int

    package init(armCount: Int) { self.armCount = armCount }

    package func distribution(over eligible: [Int], in context: Context) -> ArmDistribution { .even(over: eligible, of: armCount) }
}
