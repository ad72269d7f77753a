import HaggleMath

/// Every policy's term sums in eight parts of the log, told apart by a hash of the unit (or of the row's number where it has none).
///
/// All rows of a unit lie in one fold, and shards add up. A union of folds is a random part of the log whose estimates follow from sums.
struct FoldSums: Sendable {
    static let foldCount = 8

    let policyCount: Int
    let termCount: Int
    /// Rows of each fold.
    var counts = [Int](repeating: 0, count: Self.foldCount)
    /// `[policy][fold][term]`.
    var sums: [CompensatedSum]

    init(policyCount: Int, termCount: Int) {
        self.policyCount = policyCount
        self.termCount = termCount
        sums = [CompensatedSum](repeating: CompensatedSum(), count: policyCount * Self.foldCount * termCount)
    }

    /// The fold of an observation, independent of its weights in bootstrap replicates.
    static func fold(key: UInt64) -> Int { Int(truncatingIfNeeded: mix64(key ^ 0x2545_f491_4f6c_dd1d) >> 61) }

    mutating func countRow(fold: Int) { counts[fold] += 1 }

    mutating func add(_ values: [Double], policy: Int, fold: Int) {
        let first = (policy * Self.foldCount + fold) * termCount
        for index in 0..<termCount { sums[first + index] += values[index] }
    }

    mutating func merge(_ other: Self) {
        precondition(policyCount == other.policyCount && termCount == other.termCount, "folds of other sums")
        for fold in counts.indices { counts[fold] += other.counts[fold] }
        for index in sums.indices { sums[index].merge(other.sums[index]) }
    }

    /// One policy's totals over some folds.
    func sums(of policy: Int, folds: some Sequence<Int>, terms: [Term]) -> TermSums {
        var count = 0
        var totals = [CompensatedSum](repeating: CompensatedSum(), count: termCount)
        for fold in folds {
            count += counts[fold]
            let first = (policy * Self.foldCount + fold) * termCount
            for index in 0..<termCount { totals[index].merge(sums[first + index]) }
        }
        return TermSums(count: Double(count), terms: terms, sums: totals.map(\.value))
    }
}
