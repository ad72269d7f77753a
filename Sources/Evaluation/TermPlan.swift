/// The terms of a panel, arranged so that each transform of the weight is computed once a row, however many terms use it.
struct TermPlan: Sendable {
    /// The distinct terms in the order of the columns.
    let terms: [Term]
    /// The distinct bandwidths of kernel terms.
    let bandwidths: [Double]
    /// What the terms need of a row.
    let inputs: Set<RowInput>
    /// Whether some term rejects rows by chance.
    let needsUniform: Bool
    /// Whether some term accepts rows without a declared bound, which takes a constant propensity.
    let needsConstantPropensity: Bool
    /// The smallest declared bound of a term that rejects rows by chance; weights above it would be accepted too rarely.
    let acceptanceBound: Double?
    /// Whether some term reads more of a row than weight, reward, the reward model and chance.
    let needsFurtherFacts: Bool
    private let transforms: [WeightTransform]
    private let steps: [Step]

    private var transformed: [Double]
    /// The terms of the last row that was evaluated.
    private(set) var values: [Double]
    /// For each bandwidth the smoothed weight of the row to be evaluated next.
    var kernelWeights: [Double]

    private enum Step {
        case weight(Int)
        case reward(Int)
        case correction(Int)
        case modelValue
        case kernelReward(Int)
        case other(Term)
    }

    init(terms: [Term]) {
        var transforms: [WeightTransform] = []
        var bandwidths: [Double] = []
        func position<Value: Equatable>(of value: Value, in values: inout [Value]) -> Int {
            if let known = values.firstIndex(of: value) { return known }
            values.append(value)
            return values.count - 1
        }
        steps = terms.map { term in
            switch term {
            case .weight(let transform): .weight(position(of: transform, in: &transforms))
            case .reward(let transform): .reward(position(of: transform, in: &transforms))
            case .correction(let transform): .correction(position(of: transform, in: &transforms))
            case .modelValue: .modelValue
            case .kernelReward(let bandwidth): .kernelReward(position(of: bandwidth, in: &bandwidths))
            default: .other(term)
            }
        }
        self.terms = terms
        self.transforms = transforms
        self.bandwidths = bandwidths
        inputs = Set(terms.compactMap(\.input))
        needsFurtherFacts = !inputs.subtracting([.estimates]).isEmpty || !bandwidths.isEmpty
        needsUniform = terms.contains {
            switch $0 {
            case .accepted, .acceptedReward: true
            default: false
            }
        }
        acceptanceBound = terms.compactMap {
            switch $0 {
            case .accepted(let bound), .acceptedReward(let bound): bound
            default: nil
            }
        }.min()
        needsConstantPropensity = terms.contains(.accepted(bound: nil)) || terms.contains(.acceptedReward(bound: nil))
        transformed = [Double](repeating: 0, count: transforms.count)
        values = [Double](repeating: 0, count: terms.count)
        kernelWeights = [Double](repeating: 1, count: bandwidths.count)
    }

    /// Computes `values` for one row and policy. O(terms), no allocation.
    mutating func evaluate(_ facts: RowFacts) {
        for index in 0..<transforms.count { transformed[index] = transforms[index](facts.weight) }
        let residual = facts.reward - facts.modelEstimate
        for index in 0..<steps.count {
            switch steps[index] {
            case .weight(let transform): values[index] = transformed[transform]
            case .reward(let transform): values[index] = transformed[transform] * facts.reward
            case .correction(let transform): values[index] = transformed[transform] * residual
            case .modelValue: values[index] = facts.modelValue
            case .kernelReward(let kernel): values[index] = kernelWeights[kernel] * facts.reward
            case .other(let term): values[index] = term.value(of: facts)
            }
        }
    }
}
