/// What is done to an importance weight before it multiplies something.
package enum WeightTransform: Hashable, Sendable {
    /// w as it is.
    case plain
    /// min(w, limit).
    case clipped(limit: Double)
    /// w where w <= limit, else 0 (Wang, Agarwal & Dudik 2017).
    case switched(limit: Double)
    /// lambda w / (w^2 + lambda): the optimistic shrinkage of Su, Dimakopoulou, Krishnamurthy & Dudik 2020.
    case shrunk(lambda: Double)
    /// w / (1 - lambda + lambda w), 0 <= lambda < 1: the power mean of order -1 with 1, at most 1 / lambda (Metelli, Russo & Restelli 2021).
    case subgaussian(lambda: Double)
    /// w^2.
    case squared
    /// 1, whatever the weight.
    case one

    /// The transformed weight; finite for every finite weight but in `squared`.
    @inline(__always)
    package func callAsFunction(_ weight: Double) -> Double {
        switch self {
        case .plain: weight
        case .clipped(let limit): min(weight, limit)
        case .switched(let limit): weight <= limit ? weight : 0
        // The same number as lambda w / (w^2 + lambda), without a square that could overflow beside another large number.
        case .shrunk(let lambda): weight / (weight * (weight / lambda) + 1)
        case .subgaussian(let lambda): weight / (1 - lambda + lambda * weight)
        case .squared: weight * weight
        case .one: 1
        }
    }
}
