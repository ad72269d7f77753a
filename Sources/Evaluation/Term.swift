/// What is done to an importance weight before it multiplies something.
package enum WeightTransform: Hashable, Sendable {
    /// w as it is.
    case plain
    /// min(w, limit).
    case clipped(limit: Double)

    /// The transformed weight.
    package func callAsFunction(_ weight: Double) -> Double {
        switch self {
        case .plain: weight
        case .clipped(let limit): min(weight, limit)
        }
    }
}

/// A number that every row has for every policy, and whose sums estimators are made of.
///
/// Symbols: w = pi(a|x) / p the importance weight of the logged arm a, r the reward, q the reward model's estimate for the logged arm,
/// q^pi = sum over arms of pi(b|x) q(x, b).
package enum Term: Hashable, Sendable {
    /// t(w).
    case weight(WeightTransform)
    /// t(w) r.
    case reward(WeightTransform)
    /// q^pi.
    case modelValue
    /// t(w) (r - q).
    case correction(WeightTransform)

    /// Whether the term is undefined without a reward model.
    package var needsRewardModel: Bool {
        switch self {
        case .weight, .reward: false
        case .modelValue, .correction: true
        }
    }

    /// The term of one row.
    func value(of facts: RowFacts) -> Double {
        switch self {
        case .weight(let transform): transform(facts.weight)
        case .reward(let transform): transform(facts.weight) * facts.reward
        case .modelValue: facts.modelValue
        case .correction(let transform): transform(facts.weight) * (facts.reward - facts.modelEstimate)
        }
    }
}

/// What is left of a row for one policy once the distributions have been used.
struct RowFacts {
    /// w.
    var weight: Double
    /// r.
    var reward: Double
    /// q^pi; 0 without a reward model.
    var modelValue: Double
    /// q of the logged arm; 0 without a reward model.
    var modelEstimate: Double
}

/// Totals over rows: how many there are (in a bootstrap replicate: the sum of their weights) and the sum of each term of one policy.
package struct TermSums: Sendable {
    /// n.
    package let count: Double
    private let terms: [Term]
    private let sums: [Double]

    /// - Parameter sums: one per term of `terms`, in their order.
    package init(count: Double, terms: [Term], sums: [Double]) {
        precondition(terms.count == sums.count, "every term needs its sum")
        self.count = count
        self.terms = terms
        self.sums = sums
    }

    /// The sum of one term.
    /// - Precondition: the term is among those collected.
    package subscript(term: Term) -> Double {
        guard let index = terms.firstIndex(of: term) else { preconditionFailure("an estimator read a term that it did not declare") }
        return sums[index]
    }
}
