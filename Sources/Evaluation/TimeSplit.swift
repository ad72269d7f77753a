package import HaggleCore

/// Splits a log into an older part to train on and a newer part to evaluate on.
package enum TimeSplit {
    /// The oldest `share` of the interactions, and the rest, both in order of time.
    ///
    /// Where any row lacks a time, row order is time. Rows of one moment stay in row order.
    /// - Parameters:
    ///   - trainShare: in 0...1; floor(share * n) rows are older.
    package static func split(_ interactions: [Interaction], trainShare: Double) -> (training: [Interaction], evaluation: [Interaction]) {
        precondition(trainShare >= 0 && trainShare <= 1, "the share of rows to train on must lie in 0...1")
        var ordered = interactions
        if interactions.allSatisfy({ $0.time != nil }) {
            let keyed = interactions.enumerated().map { (time: $1.time, index: $0, row: $1) }
            ordered = keyed.sorted { left, right in
                guard let a = left.time, let b = right.time, a != b else { return left.index < right.index }
                return a < b
            }.map(\.row)
        }
        let cut = Int((trainShare * Double(ordered.count)).rounded(.down))
        return (Array(ordered[..<cut]), Array(ordered[cut...]))
    }
}
