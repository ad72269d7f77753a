package import HaggleCore

/// A bounded random sample of a log's rows, the same whatever else the log holds before or after them.
///
/// A row is kept while its key - a hash of its unit, or of its number - lies below a threshold, which halves whenever there are more rows than
/// the capacity: so a unit is kept whole or not at all, and between half the capacity and the capacity of a long log's rows are kept, in the
/// order of the log. One unit with more rows than the capacity keeps its first ones.
package struct FittingSample: Sendable {
    /// A kept row and its number in the log, from 0.
    package struct Entry: Sendable {
        package var row: Int
        package var interaction: Interaction
        fileprivate var key: UInt64
    }

    /// The largest number of rows that are kept.
    package let capacity: Int
    let seed: UInt64
    /// In the order of the log.
    package private(set) var entries: [Entry] = []
    private var threshold = UInt64.max

    /// - Precondition: `capacity > 0`.
    package init(capacity: Int, seed: UInt64) {
        precondition(capacity > 0, "a sample needs room for a row")
        self.capacity = capacity
        self.seed = seed
    }

    /// Offers a row. Amortised O(1).
    package mutating func offer(_ interaction: Interaction, row: Int) {
        let salted = seed ^ 0x7361_6d70_6c65
        let key =
            interaction.unit.map { PoissonWeights.key(seed: salted, unitHash: $0.hash64) } ?? PoissonWeights.key(seed: salted, row: row)
        guard key <= threshold else { return }
        if entries.count >= capacity { thin() }
        guard key <= threshold, entries.count < capacity else { return }
        entries.append(Entry(row: row, interaction: interaction, key: key))
    }

    /// Halves the threshold until rows have gone; what is left of one crowding unit stays.
    private mutating func thin() {
        guard let first = entries.first, entries.contains(where: { $0.key != first.key }) else { return }
        while entries.count >= capacity {
            let kept = entries.filter { $0.key <= threshold / 2 }
            if kept.isEmpty { return }
            threshold /= 2
            entries = kept
        }
    }
}
