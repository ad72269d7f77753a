import HaggleMath

/// How often each weight occurred and what it earned: what empirical likelihood needs beyond sums.
///
/// Weights with the same leading bits share a cell. At first a cell is one exact weight; once there would be more than `capacity` cells, the
/// lowest mantissa bit is dropped, and again until they fit. How many bits are dropped depends on the set of weights alone, so parts may be
/// merged in any order. A cell keeps the exact sum of its weights and stands for its rows by their mean weight: with 65 536 cells over
/// twelve octaves the cells are 2^-12 wide, and the value moves by the square of that.
package struct WeightDistribution: Hashable, Sendable, Codable {
    /// The rows of one cell.
    struct Cell: Hashable, Sendable, Codable {
        var count = 0
        /// Sum of w, and of w r.
        var weight = CompensatedSum()
        var reward = CompensatedSum()
    }

    /// Most cells that are kept.
    package static let capacity = 65_536

    /// How many of the lowest bits of a weight's pattern are dropped.
    package private(set) var droppedBitCount: UInt64 = 0
    private(set) var cells: [UInt64: Cell] = [:]
    private let limit: Int

    /// - Parameter capacity: most cells that are kept, at least 2 (smaller ones are for tests).
    package init(capacity: Int = Self.capacity) {
        precondition(capacity >= 2, "a distribution needs at least two cells")
        limit = capacity
    }

    /// Restores a distribution; nil where it could not have come about.
    init?(droppedBitCount: UInt64, cells: [UInt64: Cell]) {
        guard droppedBitCount < 64, cells.count <= Self.capacity, cells.values.allSatisfy({ $0.count > 0 }) else { return nil }
        self.init()
        self.droppedBitCount = droppedBitCount
        self.cells = cells
    }

    /// Adds a row. O(1) on average.
    package mutating func add(weight: Double, reward: Double) {
        // +0 and -0 have other patterns.
        let key = (weight == 0 ? 0.0 : weight).bitPattern >> droppedBitCount
        cells[key, default: Cell()].add(weight: weight, reward: weight * reward)
        if cells.count > limit { coarsen() }
    }

    /// Adds another part's rows.
    package mutating func merge(_ other: Self) {
        var other = other
        while droppedBitCount < other.droppedBitCount { dropBit() }
        while other.droppedBitCount < droppedBitCount { other.dropBit() }
        for (key, cell) in other.cells { cells[key, default: Cell()].merge(cell) }
        if cells.count > limit { coarsen() }
    }

    /// The distinct weights, in ascending order, with how many rows have them and their sum of w r.
    package var ascending: [(weight: Double, count: Double, reward: Double)] {
        cells.sorted { $0.key < $1.key }.map { (_, cell) in
            (cell.weight.value / Double(cell.count), Double(cell.count), cell.reward.value)
        }
    }

    private mutating func coarsen() { while cells.count > limit { dropBit() } }

    private mutating func dropBit() {
        droppedBitCount += 1
        var coarse: [UInt64: Cell] = [:]
        coarse.reserveCapacity(cells.count)
        // In the order of the keys, so that sums do not depend on a dictionary's order.
        for (key, cell) in cells.sorted(by: { $0.key < $1.key }) { coarse[key >> 1, default: Cell()].merge(cell) }
        cells = coarse
    }
}

extension WeightDistribution.Cell {
    fileprivate mutating func add(weight: Double, reward: Double) {
        count += 1
        self.weight += weight
        self.reward += reward
    }

    fileprivate mutating func merge(_ other: Self) {
        count += other.count
        weight.merge(other.weight)
        reward.merge(other.reward)
    }
}
