/// A symmetric matrix, its lower triangle packed column by column, each column from the diagonal down.
///
/// Columns are contiguous, so that rank-one sums and triangular solves run along memory. Entry (i, j) with i >= j stands at
/// `offset(column: j) + i - j`; `dimension * (dimension + 1) / 2` entries in all.
package struct SymmetricMatrix: Hashable, Sendable {
    package let dimension: Int
    /// The packed lower triangle.
    package private(set) var packed: [Double]

    /// Zero.
    package init(dimension: Int) {
        precondition(dimension >= 0, "a matrix cannot have a negative dimension")
        self.dimension = dimension
        packed = [Double](repeating: 0, count: Self.packedCount(dimension))
    }

    /// The matrix with that packed lower triangle, or nil where the number of entries does not fit.
    package init?(dimension: Int, packed: [Double]) {
        guard dimension >= 0, packed.count == Self.packedCount(dimension) else { return nil }
        self.dimension = dimension
        self.packed = packed
    }

    /// Number of entries of a packed triangle.
    package static func packedCount(_ dimension: Int) -> Int { dimension * (dimension + 1) / 2 }

    /// Where a column's diagonal entry stands in a packed lower triangle.
    @inline(__always)
    package static func offset(column: Int, dimension: Int) -> Int { column * dimension - column * (column - 1) / 2 }

    /// Entry (row, column), whichever triangle it lies in.
    package subscript(row: Int, column: Int) -> Double {
        get {
            let (low, high) = row < column ? (row, column) : (column, row)
            return packed[Self.offset(column: low, dimension: dimension) + high - low]
        }
        set {
            let (low, high) = row < column ? (row, column) : (column, row)
            packed[Self.offset(column: low, dimension: dimension) + high - low] = newValue
        }
    }

    /// Adds `weight * v v'`. O(d^2); zero entries of `v` cost nothing.
    /// - Precondition: `v` has `dimension` elements.
    package mutating func addOuterProduct(of v: [Double], weight: Double = 1) {
        precondition(v.count == dimension, "the vector's length must be the matrix's dimension")
        let dimension = dimension
        // Safe: `line` and `rest` walk down the diagonal, with `length` numbers behind each; the pointers live in their closures only.
        unsafe packed.withUnsafeMutableBufferPointer { entries in
            unsafe v.withUnsafeBufferPointer { v in
                guard var line = entries.baseAddress, var rest = v.baseAddress else { return }
                for length in stride(from: dimension, to: 0, by: -1) {
                    let scaled = unsafe weight * rest.pointee
                    if scaled != 0 {
                        var i = 0
                        while i &+ 4 <= length {
                            unsafe line.setFour(i, line.four(i) + scaled * rest.four(i))
                            i &+= 4
                        }
                        while i < length {
                            unsafe line[i] += scaled * rest[i]
                            i &+= 1
                        }
                    }
                    unsafe line += length
                    unsafe rest += 1
                }
            }
        }
    }

    /// Adds another matrix of the same dimension.
    package mutating func add(_ other: Self) {
        precondition(other.dimension == dimension, "only matrices of one dimension can be added")
        for index in packed.indices { packed[index] += other.packed[index] }
    }

    /// Multiplies every entry.
    package mutating func scale(by factor: Double) {
        for index in packed.indices { packed[index] *= factor }
    }

    /// The product with a vector. O(d^2).
    package func multiplied(by v: [Double]) -> [Double] {
        precondition(v.count == dimension, "the vector's length must be the matrix's dimension")
        var result = [Double](repeating: 0, count: dimension)
        for row in 0..<dimension {
            var sum = 0.0
            for column in 0..<dimension { sum += self[row, column] * v[column] }
            result[row] = sum
        }
        return result
    }
}
