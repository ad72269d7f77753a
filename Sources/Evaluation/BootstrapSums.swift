import HaggleMath

/// The resampled sums of some replicates of a Poisson bootstrap, for every column at once.
///
/// Replicate b gives every observation (a unit, or a row without one) the weight hash(seed, b, observation) ~ Poisson(1) and keeps the sum of
/// the weights and the weighted sum of every column. Nothing is stored per row, so it streams, and shards add up (Chamandy, Muralidharan,
/// Najmi & Naidu 2012, "Estimating uncertainty for massive data streams").
struct BootstrapSums: Sendable {
    /// Replicates `4 * firstGroup ..< 4 * (firstGroup + groupCount)`.
    let firstGroup: Int
    let groupCount: Int
    /// Number of columns, the column of ones not among them.
    let width: Int
    /// Sum of the weights of each replicate.
    private(set) var counts: [SIMD4<Double>]
    /// `[group][column]`, four replicates together.
    private(set) var sums: [SIMD4<Double>]

    /// Rows whose weights are drawn together; their weights and columns stay in the first-level cache.
    private static let blockRowCount = 256

    init(groups: Range<Int>, width: Int) {
        firstGroup = groups.lowerBound
        groupCount = groups.count
        self.width = width
        counts = [SIMD4<Double>](repeating: .zero, count: groupCount)
        sums = [SIMD4<Double>](repeating: .zero, count: groupCount * width)
    }

    /// Restores sums; nil where their numbers do not fit.
    init?(groups: Range<Int>, width: Int, counts: [SIMD4<Double>], sums: [SIMD4<Double>]) {
        guard counts.count == groups.count, sums.count == groups.count * width else { return nil }
        self.init(groups: groups, width: width)
        self.counts = counts
        self.sums = sums
    }

    /// The sum of weights in a replicate, counted from the first one of these.
    func count(_ replicate: Int) -> Double { counts[replicate / 4][replicate % 4] }

    /// The weighted sum of a column in a replicate.
    func sum(_ replicate: Int, column: Int) -> Double { sums[replicate / 4 * width + column][replicate % 4] }

    /// Adds another's rows, for replicates that are among these.
    mutating func absorb(_ other: Self) {
        let offset = other.firstGroup - firstGroup
        precondition(offset >= 0 && offset + other.groupCount <= groupCount && width == other.width, "other replicates")
        for index in other.counts.indices { counts[offset + index] += other.counts[index] }
        for index in other.sums.indices { sums[offset * width + index] += other.sums[index] }
    }

    /// Adds rows. O(rows * replicates * columns).
    /// - Parameters:
    ///   - keys: one per row, from `PoissonWeights.key`.
    ///   - columns: row-major, `1 + width` numbers a row; the first is skipped.
    mutating func add(keys: [UInt64], columns: [Double]) {
        precondition(columns.count == keys.count * (width + 1), "a row of columns for each key")
        var weights = [SIMD4<Double>](repeating: .zero, count: Self.blockRowCount)
        var start = 0
        while start < keys.count {
            let end = min(start + Self.blockRowCount, keys.count)
            addBlock(start..<end, keys: keys, columns: columns, weights: &weights)
            start = end
        }
    }

    private mutating func addBlock(_ rows: Range<Int>, keys: [UInt64], columns: [Double], weights: inout [SIMD4<Double>]) {
        let width = width
        let stride = width + 1
        // Safe: every index below stays inside, because keys and columns were checked against each other by the caller, `rows` lies in
        // keys, and a piece of 16 bits is below the 65 536 elements of the table.
        unsafe keys.withUnsafeBufferPointer { keys in
            unsafe columns.withUnsafeBufferPointer { columns in
                unsafe PoissonWeights.table.withUnsafeBufferPointer { table in
                    unsafe weights.withUnsafeMutableBufferPointer { weights in
                        for group in 0..<groupCount {
                            let offset = UInt64(firstGroup + group) &* PoissonWeights.step
                            counts[group] += unsafe Self.draw(rows, offset: offset, keys: keys, table: table, into: weights)
                            var column = 0
                            while column + 4 <= width {
                                let four = unsafe Self.fourDots(
                                    rows.count, weights: weights, columns: columns, first: rows.lowerBound * stride + 1 + column,
                                    stride: stride)
                                let target = group * width + column
                                sums[target] += four.0
                                sums[target + 1] += four.1
                                sums[target + 2] += four.2
                                sums[target + 3] += four.3
                                column += 4
                            }
                            while column < width {
                                sums[group * width + column] += unsafe Self.dot(
                                    rows.count, weights: weights, columns: columns, first: rows.lowerBound * stride + 1 + column,
                                    stride: stride)
                                column += 1
                            }
                        }
                    }
                }
            }
        }
    }

    /// Draws four replicates' weights for a block of rows; returns their sums.
    @inline(__always)
    private static func draw(
        _ rows: Range<Int>, offset: UInt64, keys: UnsafeBufferPointer<UInt64>, table: UnsafeBufferPointer<UInt8>,
        into weights: UnsafeMutableBufferPointer<SIMD4<Double>>
    ) -> SIMD4<Double> {
        var total = SIMD4<Double>.zero
        for row in 0..<rows.count {
            let hash = unsafe mix64(keys[rows.lowerBound + row] &+ offset)
            let weight = unsafe SIMD4<Double>(
                Double(table[Int(truncatingIfNeeded: hash & 0xffff)]), Double(table[Int(truncatingIfNeeded: hash >> 16 & 0xffff)]),
                Double(table[Int(truncatingIfNeeded: hash >> 32 & 0xffff)]), Double(table[Int(truncatingIfNeeded: hash >> 48)]))
            unsafe weights[row] = weight
            total += weight
        }
        return total
    }

    /// Weighted sums of four neighbouring columns.
    @inline(__always)
    private static func fourDots(
        _ count: Int, weights: UnsafeMutableBufferPointer<SIMD4<Double>>, columns: UnsafeBufferPointer<Double>, first: Int, stride: Int
    ) -> (SIMD4<Double>, SIMD4<Double>, SIMD4<Double>, SIMD4<Double>) {
        var a = SIMD4<Double>.zero
        var b = SIMD4<Double>.zero
        var c = SIMD4<Double>.zero
        var d = SIMD4<Double>.zero
        var index = first
        for row in 0..<count {
            let weight = unsafe weights[row]
            unsafe a += weight * columns[index]
            unsafe b += weight * columns[index + 1]
            unsafe c += weight * columns[index + 2]
            unsafe d += weight * columns[index + 3]
            index += stride
        }
        return (a, b, c, d)
    }

    /// The weighted sum of one column.
    @inline(__always)
    private static func dot(
        _ count: Int, weights: UnsafeMutableBufferPointer<SIMD4<Double>>, columns: UnsafeBufferPointer<Double>, first: Int, stride: Int
    ) -> SIMD4<Double> {
        var sum = SIMD4<Double>.zero
        var index = first
        for row in 0..<count {
            unsafe sum += weights[row] * columns[index]
            index += stride
        }
        return sum
    }
}
