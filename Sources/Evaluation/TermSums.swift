/// Totals over rows: how many there are (in a bootstrap replicate: the sum of their weights) and the sum of each term of one policy.
package struct TermSums: Sendable {
    /// n.
    package let count: Double
    /// How the weights and rewards are distributed; nil where no estimator asked for it, and in bootstrap replicates, which keep sums only.
    package let distribution: WeightDistribution?
    private let terms: [Term]
    private let sums: [Double]

    /// - Parameter sums: one per term of `terms`, in their order.
    package init(count: Double, terms: [Term], sums: [Double], distribution: WeightDistribution? = nil) {
        precondition(terms.count == sums.count, "every term needs its sum")
        self.count = count
        self.terms = terms
        self.sums = sums
        self.distribution = distribution
    }

    /// The sum of one term.
    /// - Precondition: the term is among those collected.
    package subscript(term: Term) -> Double {
        guard let index = terms.firstIndex(of: term) else { preconditionFailure("an estimator read a term that it did not declare") }
        return sums[index]
    }
}
