import HaggleMath

/// How often each weight occurred and what it earned: what empirical likelihood needs beyond sums.
///
/// Weights with the same leading bits share a cell. At first a cell is one exact weight; once there would be more than `limit` cells, the
/// lowest bit is dropped, and again until they fit (`CoarseningTable`), so parts may be merged in any order. A cell keeps the exact sum of its
/// weights and stands for its rows by their mean weight: with 65 536 cells over twelve powers of two a cell is about 2^-12 wide, and the value
/// moves by the square of that.
package struct WeightDistribution: Sendable {
    /// The rows of one cell.
    struct Cell: Poolable {
        var count = 0
        /// Sum of w, and of w r.
        var weight = CompensatedSum()
        var reward = CompensatedSum()

        mutating func pool(_ other: Self) {
            count += other.count
            weight.merge(other.weight)
            reward.merge(other.reward)
        }
    }

    /// Most cells that are kept.
    package static let limit = 65_536

    private(set) var cells: CoarseningTable<Cell>

    /// - Parameter limit: most cells that are kept, at least 2 (smaller ones are for tests).
    package init(limit: Int = Self.limit) { cells = CoarseningTable(limit: limit, empty: Cell()) }

    init(cells: CoarseningTable<Cell>) { self.cells = cells }

    /// Adds a row. O(1) on average.
    package mutating func add(weight: Double, reward: Double) {
        // Bit patterns of non-negative doubles are ordered like the numbers. Adding 0 turns -0 into 0.
        let position = cells.position(of: Int64(bitPattern: (weight + 0).bitPattern))
        cells[position].count += 1
        cells[position].weight += weight
        cells[position].reward += weight * reward
    }

    /// Adds another part's rows.
    package mutating func merge(_ other: Self) { cells.merge(other.cells) }

    /// Each cell's mean weight, in ascending order, with how many rows it has and their sum of w r.
    package var ascending: [(weight: Double, count: Double, reward: Double)] {
        cells.sorted.map { (_, cell) in (cell.weight.value / Double(cell.count), Double(cell.count), cell.reward.value) }
    }
}
