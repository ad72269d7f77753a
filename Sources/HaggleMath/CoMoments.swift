/// Count, means and centred sums of products of several columns: what a covariance matrix and every delta-method error need.
///
/// ```
/// products[i][j] = sum over rows of (x_i - mean_i) (x_j - mean_j)
/// ```
/// Rows enter in blocks that are centred on their own means and then combined (Chan, Golub & LeVeque 1983), so that nothing cancels when a
/// column's mean is large beside its spread. Merging two of them equals adding all rows to one, up to rounding. Without rows everything is 0.
package struct CoMoments: Hashable, Sendable {
    /// Number of columns.
    package let width: Int
    /// Number of rows.
    package private(set) var rowCount = 0
    /// Mean of each column; 0 without rows.
    package private(set) var means: [Double]
    /// Row-major, `width * width`; only `j <= i` is kept.
    private var products: [Double]

    package init(width: Int) {
        self.width = width
        means = [Double](repeating: 0, count: width)
        products = [Double](repeating: 0, count: width * width)
    }

    /// Restores moments from what they consist of; nil where the counts do not fit.
    /// - Parameter lowerProducts: as `lowerProducts` gives them.
    package init?(width: Int, rowCount: Int, means: [Double], lowerProducts: [Double]) {
        guard width >= 0, rowCount >= 0, means.count == width, lowerProducts.count == width * (width + 1) / 2 else { return nil }
        self.init(width: width)
        self.rowCount = rowCount
        self.means = means
        var next = 0
        for i in 0..<width {
            for j in 0...i {
                products[i * width + j] = lowerProducts[next]
                next += 1
            }
        }
    }

    /// The centred products of columns i and j <= i, row after row of that triangle.
    package var lowerProducts: [Double] { (0..<width).flatMap { i in products[i * width..<i * width + i + 1] } }

    /// The centred sum of products of two columns.
    package func product(_ i: Int, _ j: Int) -> Double { i >= j ? products[i * width + j] : products[j * width + i] }

    /// The centred sum of squares of `sum of coefficient_k x_k`, for a combination that names only some columns.
    ///
    /// Never negative: rounding below 0 gives 0.
    package func sumOfSquares(of combination: [(column: Int, coefficient: Double)]) -> Double {
        var total = CompensatedSum()
        for (i, a) in combination {
            for (j, b) in combination { total += a * b * product(i, j) }
        }
        return max(0, total.value)
    }

    /// Adds rows. O(rows * width^2).
    /// - Parameters:
    ///   - rows: row-major, `width` numbers a row.
    ///   - rowCount: how many rows; they should be few hundred at a time, because one block is centred in one go.
    package mutating func add(rows: ArraySlice<Double>, rowCount added: Int) {
        precondition(rows.count == added * width, "a block of co-moments needs width numbers for each row")
        guard added > 0 else { return }
        var block = CoMoments(width: width)
        block.rowCount = added
        unsafe rows.withUnsafeBufferPointer { rows in
            for row in 0..<added {
                // Safe: row * width + column < added * width == rows.count.
                for column in 0..<width { unsafe block.means[column] += rows[row * width + column] }
            }
            for column in 0..<width { block.means[column] /= Double(added) }
            var centred = [Double](repeating: 0, count: width)
            for row in 0..<added {
                for column in 0..<width { unsafe centred[column] = rows[row * width + column] - block.means[column] }
                for i in 0..<width {
                    let factor = centred[i]
                    if factor == 0 { continue }
                    for j in 0...i { block.products[i * width + j] += factor * centred[j] }
                }
            }
        }
        merge(block)
    }

    /// Adds another's rows. O(width^2).
    package mutating func merge(_ other: Self) {
        precondition(width == other.width, "co-moments merge only with the same columns")
        guard other.rowCount > 0 else { return }
        guard rowCount > 0 else {
            self = other
            return
        }
        let ours = Double(rowCount)
        let theirs = Double(other.rowCount)
        let total = ours + theirs
        var differences = [Double](repeating: 0, count: width)
        for column in 0..<width { differences[column] = other.means[column] - means[column] }
        for i in 0..<width {
            let factor = differences[i] * (ours / total) * theirs
            for j in 0...i { products[i * width + j] += other.products[i * width + j] + factor * differences[j] }
        }
        for column in 0..<width { means[column] += differences[column] * (theirs / total) }
        rowCount += other.rowCount
    }
}
