// The ordered part of the state: confidence sequences see every row as it comes.
extension Evaluator {
    /// Adds a checked row to the confidence sequences.
    mutating func advanceSequences(_ row: EvaluationRow, propensity: Double) {
        let rows = policies.indices.map { policy -> PolicySequences.Row in
            if policies[policy].isLogged { return PolicySequences.Row(weight: 1, target: row.propensities?[...] ?? []) }
            let target = row.targets[policy]
            return PolicySequences.Row(weight: target[row.arm] / propensity, target: target[...])
        }
        let past = pastEstimates(row.pastEstimates, or: row.estimates)?[...]
        sequences?.add(
            rows, arm: row.arm, reward: row.reward, propensities: row.propensities?[...], pastEstimates: past)
    }

    /// Adds a checked row of columns to the confidence sequences.
    mutating func advanceSequences(_ columns: EvaluationColumns, _ index: Int) {
        let range = index * armCount..<(index + 1) * armCount
        let arm = columns.arms[index]
        let rows = policies.indices.map { policy -> PolicySequences.Row in
            if policies[policy].isLogged { return PolicySequences.Row(weight: 1, target: []) }
            let target = columns.targets[policy][range]
            return PolicySequences.Row(weight: target[range.lowerBound + arm] / columns.propensities[index], target: target)
        }
        let past = pastEstimates(columns.pastEstimates, or: columns.estimates)?[range]
        sequences?.add(
            rows, arm: arm, reward: columns.rewards[index], propensities: nil, pastEstimates: past)
    }

    /// Estimates that were made before their rows: those that say so, or all where the options say so.
    private func pastEstimates(_ past: [Double]?, or estimates: [Double]?) -> [Double]? {
        past ?? (options.fitting == .pastOnly ? estimates : nil)
    }
}
