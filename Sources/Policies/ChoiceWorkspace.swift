package import HaggleCore

/// The memory of a choice, to be used again, so that a choice in the steady state allocates nothing; it holds the result.
///
/// One for each thread that chooses. A distribution that a caller copies out and keeps costs the next choice one allocation.
package struct ChoiceWorkspace: Sendable {
    /// What was computed last.
    package internal(set) var distribution = ArmDistribution.certain(0, of: 1)
    /// The scores' means and standard deviations of the last choice, one per eligible arm, in standardised units; empty where the rule reads
    /// none.
    package internal(set) var means: [Double] = []
    package internal(set) var deviations: [Double] = []
    /// The scores' covariance under a shared posterior, row by row over the eligible arms; empty where arms are independent or none is read.
    package internal(set) var covariance: [Double] = []
    /// The model's input, the network's last layer, phi, and a product with phi.
    var input: [Float] = []
    var hidden: [Float] = []
    package internal(set) var phi: [Double] = []
    var product: [Double] = []
    /// Square roots of a covariance.
    var roots: [Double] = []
    /// A rule's shares, one per eligible arm, and a second vector as long.
    var shares: [Double] = []
    var others: [Double] = []
    /// The shares by arm of the experiment.
    var weights: [Double] = []
    var best = ProbabilityOfBestWorkspace()

    package init() {}

    /// Makes a vector as long as asked; allocates only when it grows.
    static func resize(_ values: inout [Double], to count: Int) {
        if values.count > count {
            values.removeLast(values.count - count)
        } else {
            while values.count < count { values.append(0) }
        }
    }
}
