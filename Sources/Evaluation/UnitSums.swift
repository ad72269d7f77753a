import HaggleMath

/// The sum of every column for each unit: the observations of clustered errors. One row of numbers per unit, whatever their rows.
struct UnitSums: Sendable {
    let width: Int
    /// How many rows were added.
    private(set) var rowCount = 0
    private var positions: [UInt64: Int] = [:]
    /// Row-major, a row per unit, in order of first appearance.
    private var sums: [Double] = []

    init(width: Int) { self.width = width }

    /// Number of units.
    var count: Int { positions.count }

    /// Whether some unit has more than one row.
    var recur: Bool { count < rowCount }

    /// Adds one row of columns to its unit. O(width).
    mutating func add(unit: UInt64, row: ArraySlice<Double>) {
        let start = position(of: unit) * width
        var target = start
        for value in row {
            sums[target] += value
            target += 1
        }
        rowCount += 1
    }

    mutating func merge(_ other: Self) {
        for (unit, position) in other.positions {
            let start = self.position(of: unit) * width
            for column in 0..<width { sums[start + column] += other.sums[position * width + column] }
        }
        rowCount += other.rowCount
    }

    /// Means and products over units.
    func coMoments() -> CoMoments {
        var result = CoMoments(width: width)
        var start = 0
        while start < count {
            let end = min(start + 512, count)
            result.add(rows: sums[start * width..<end * width], rowCount: end - start)
            start = end
        }
        return result
    }

    private mutating func position(of unit: UInt64) -> Int {
        if let known = positions[unit] { return known }
        let new = positions.count
        positions[unit] = new
        sums.append(contentsOf: repeatElement(0, count: width))
        return new
    }
}
