/// Brings encoded columns to a common size before a model sees them.
///
/// A file may leave a number unscaled (`avg_basket` in euros beside a 0/1 column). The prior precision and the network's learning rate
/// mean the same for every column only if all have about the same spread, so each column that is not a 0/1 indicator is standardised:
/// `(x - mean) / sd`, cut at +-20. A column that did not vary in the data becomes 0: nothing can have been learned of it.
package struct ColumnScaling: Hashable, Sendable {
    /// Subtracted.
    package let means: [Double]
    /// Multiplied with after that: 1 / sd; 1 for indicators, 0 for constant columns.
    package let factors: [Double]

    /// Given values; nil where the counts differ or a value is not finite.
    package init?(means: [Double], factors: [Double]) {
        guard means.count == factors.count, (means + factors).allSatisfy(\.isFinite) else { return nil }
        self.means = means
        self.factors = factors
    }

    /// Fitted to rows of `width` columns, row-major. Two passes in `Double`, O(rows * width).
    /// - Parameter scaled: the first so many columns get a scale; nil for all.
    package init(fittedTo rows: [Float], width stride: Int, scaled: Int? = nil) {
        let rowCount = stride == 0 ? 0 : rows.count / stride
        let width = min(scaled ?? stride, stride)
        var means = [Double](repeating: 0, count: width)
        var squares = means
        var isIndicator = [Bool](repeating: true, count: width)
        for row in 0..<rowCount {
            for column in 0..<width {
                let value = rows[row * stride + column]
                means[column] += Double(value)
                if value != 0 && value != 1 { isIndicator[column] = false }
            }
        }
        for column in 0..<width { means[column] /= Double(max(1, rowCount)) }
        for row in 0..<rowCount {
            for column in 0..<width {
                let difference = Double(rows[row * stride + column]) - means[column]
                squares[column] += difference * difference
            }
        }
        var factors = [Double](repeating: 1, count: width)
        for column in 0..<width {
            if isIndicator[column] {
                means[column] = 0
            } else {
                let deviation = (squares[column] / Double(max(1, rowCount))).squareRoot()
                // A `Float` column carries seven digits: less spread than that is rounding.
                factors[column] = deviation > max(1e-6 * abs(means[column]), 1e-30) ? 1 / deviation : 0
            }
        }
        self.means = means
        self.factors = factors
    }

    /// Scales one row in place; columns behind the scaled ones stay.
    package func apply(_ row: inout [Float]) {
        for column in factors.indices {
            let value = (Double(row[column]) - means[column]) * factors[column]
            row[column] = Float(min(max(value, -Self.limit), Self.limit))
        }
    }

    private static let limit = 20.0
}
