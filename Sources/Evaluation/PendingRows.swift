/// Rows that wait until there are enough of them for the block-wise sums.
struct PendingRows: Sendable {
    /// Neighbouring rows that all have a unit, or all have none.
    struct Run: Sendable {
        var rows: Range<Int>
        var haveUnits: Bool
    }

    static let capacity = 4096

    let width: Int
    /// Row-major; column 0 is 1.
    private(set) var columns: [Double] = []
    /// The bootstrap's key of each row.
    private(set) var keys: [UInt64] = []
    private(set) var runs: [Run] = []
    /// The unit of the last row.
    private(set) var lastUnit: UInt64?

    init(width: Int) { self.width = width }

    var rowCount: Int { keys.count }
    var isFull: Bool { rowCount >= Self.capacity }

    /// The last row's columns.
    var lastRow: ArraySlice<Double> { columns[(rowCount - 1) * width..<rowCount * width] }

    /// Starts a row; its columns after the first follow by `append`.
    mutating func begin(key: UInt64, unit: UInt64?) {
        let row = rowCount
        keys.append(key)
        columns.append(1)
        lastUnit = unit
        if let last = runs.indices.last, runs[last].haveUnits == (unit != nil) {
            runs[last].rows = runs[last].rows.lowerBound..<row + 1
        } else {
            runs.append(Run(rows: row..<row + 1, haveUnits: unit != nil))
        }
    }

    mutating func append(_ values: [Double]) { columns.append(contentsOf: values) }
}
