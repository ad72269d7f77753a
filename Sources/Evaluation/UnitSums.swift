import HaggleMath

/// The sum of every column for each unit: the observations of clustered errors.
///
/// Up to a limit there is a row of sums for each unit. Beyond it units are put together into `limit` buckets by the leading bits of their
/// hashes, and a bucket is the observation: a union of units is a cluster too, whose rows are independent of all others. With G buckets the
/// standard error varies by a share of about 1 / sqrt(2 G) around the one of exact clusters (0.3 % for 65 536 of them).
///
/// Whether and how units are put together depends on the set of their hashes alone, so the parts of a log, merged in any order, give the
/// state of the whole. Memory is O(limit * width).
struct UnitSums: Sendable {
    let width: Int
    /// log2 of the limit.
    let bucketBits: Int
    /// How many rows were added.
    private(set) var rowCount = 0
    /// Hashes of the units, in order of first appearance; empty once they are in buckets.
    private(set) var units: [UInt64] = []
    /// Row-major: a row per unit, or a row per bucket.
    private(set) var sums: [Double] = []
    /// Whether sums are by bucket.
    private(set) var isCollapsed = false
    /// Open addressing: positions in `units`, -1 where free; at most half are taken.
    private var slots = [Int32](repeating: -1, count: 64)

    /// Numbers that a state may keep: 8 MiB.
    private static let numberLimit = 1 << 20

    /// - Parameter limit: the largest number of units that are told apart; rounded down to a power of two, and less where rows are wide, so
    ///   that the state stays below 8 MiB; never below 1 024.
    init(width: Int, limit: Int = 65_536) {
        let most = max(1024, min(limit, Self.numberLimit / width))
        self.init(width: width, bucketBits: Int.bitWidth - 1 - most.leadingZeroBitCount)
    }

    private init(width: Int, bucketBits: Int) {
        self.width = width
        self.bucketBits = bucketBits
    }

    /// Restores sums; nil where they could not have come about.
    init?(width: Int, bucketBits: Int, rowCount: Int, isCollapsed: Bool, units: [UInt64], sums: [Double]) {
        guard (0...16).contains(bucketBits), rowCount >= units.count, units.count <= 1 << bucketBits, Set(units).count == units.count,
            sums.count == (isCollapsed ? 1 << bucketBits : units.count) * width, !isCollapsed || units.isEmpty
        else { return nil }
        self.init(width: width, bucketBits: bucketBits)
        self.rowCount = rowCount
        self.isCollapsed = isCollapsed
        self.sums = sums
        for unit in units { append(unit) }
    }

    /// The largest number of clusters.
    var limit: Int { 1 << bucketBits }

    /// Whether some unit has more than one row; nil where units are in buckets, so that nobody knows.
    var recur: Bool? { isCollapsed ? nil : units.count < rowCount }

    /// An empty state that is in buckets already if this one is: parts that will be merged into this one need not tell units apart first.
    var emptied: Self {
        var empty = Self(width: width, bucketBits: bucketBits)
        if isCollapsed { empty.collapse() }
        return empty
    }

    /// Adds one row of columns to its unit. O(width).
    mutating func add(unit: UInt64, row: ArraySlice<Double>) {
        rowCount += 1
        var target = cluster(of: unit) * width
        for value in row {
            sums[target] += value
            target += 1
        }
    }

    mutating func merge(_ other: Self) {
        precondition(width == other.width && bucketBits == other.bucketBits, "sums by unit merge only with the same columns and limit")
        rowCount += other.rowCount
        if other.isCollapsed {
            if !isCollapsed { collapse() }
            for index in sums.indices { sums[index] += other.sums[index] }
            return
        }
        for (position, unit) in other.units.enumerated() {
            let start = cluster(of: unit) * width
            for column in 0..<width { sums[start + column] += other.sums[position * width + column] }
        }
    }

    /// Means and products over units, or over the buckets that hold one.
    func coMoments() -> CoMoments {
        var result = CoMoments(width: width)
        var block: [Double] = []
        for start in stride(from: 0, to: sums.count, by: width) {
            // Column 0 counts rows.
            if isCollapsed && sums[start] == 0 { continue }
            block.append(contentsOf: sums[start..<start + width])
            if block.count == 512 * width {
                result.add(rows: block[...], rowCount: 512)
                block.removeAll(keepingCapacity: true)
            }
        }
        result.add(rows: block[...], rowCount: block.count / width)
        return result
    }

    /// The row of sums that a unit's rows belong to.
    private mutating func cluster(of unit: UInt64) -> Int {
        if isCollapsed { return bucket(of: unit) }
        var slot = start(of: unit)
        while slots[slot] >= 0 {
            if units[Int(slots[slot])] == unit { return Int(slots[slot]) }
            slot = (slot + 1) & (slots.count - 1)
        }
        if units.count == limit {
            collapse()
            return bucket(of: unit)
        }
        append(unit)
        sums.append(contentsOf: repeatElement(0, count: width))
        return units.count - 1
    }

    private func bucket(of unit: UInt64) -> Int { Int(truncatingIfNeeded: unit >> UInt64(64 - bucketBits)) }

    private func start(of unit: UInt64) -> Int { Int(truncatingIfNeeded: unit) & (slots.count - 1) }

    private mutating func append(_ unit: UInt64) {
        units.append(unit)
        if 2 * units.count > slots.count {
            slots = [Int32](repeating: -1, count: 2 * slots.count)
            for position in units.indices { place(position) }
        } else {
            place(units.count - 1)
        }
    }

    private mutating func place(_ position: Int) {
        var slot = start(of: units[position])
        while slots[slot] >= 0 { slot = (slot + 1) & (slots.count - 1) }
        slots[slot] = Int32(position)
    }

    private mutating func collapse() {
        var buckets = [Double](repeating: 0, count: limit * width)
        for (position, unit) in units.enumerated() {
            let start = bucket(of: unit) * width
            for column in 0..<width { buckets[start + column] += sums[position * width + column] }
        }
        sums = buckets
        units = []
        slots = []
        isCollapsed = true
    }
}
