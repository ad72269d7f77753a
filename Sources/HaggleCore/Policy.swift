/// A pure function: (context, eligible arms) to a probability for every arm. It neither draws nor remembers.
///
/// Serving, audit and evaluation call the same function, so a logged propensity is what evaluation recomputes.
package protocol Policy: Sendable {
    /// Number of arms of the experiment; distributions have one probability for each.
    var armCount: Int { get }

    /// The distribution over the arms.
    /// - Parameters:
    ///   - eligible: positions of the eligible arms, ascending, not empty.
    ///   - context: what is known about the unit; missing and unknown values are ordinary.
    /// - Returns: probabilities that are 0 outside `eligible` and sum to 1.
    func distribution(over eligible: [Int], in context: Context) -> ArmDistribution
}
