/// True mean rewards over a fixed set of visits.
package struct ShopTruth: Hashable, Sendable {
    /// Value of giving everybody the same arm, per arm.
    package var arms: [Double]
    /// Share of the visits for which the arm is the best one.
    package var bestShares: [Double]
    /// Value of giving everybody their best arm.
    package var best: Double
    /// Position of the control arm.
    package var controlIndex: Int

    /// Value of no discount for anyone.
    package var control: Double { arms[controlIndex] }
    /// Value of an even split.
    package var uniform: Double { arms.reduce(0, +) / Double(arms.count) }
    /// Value of the best single arm.
    package var bestSingleArm: Double { arms.max() ?? 0 }
}
