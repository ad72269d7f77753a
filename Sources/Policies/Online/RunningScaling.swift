import HaggleMath

/// Mean and spread of each column of a growing stream, and the standardisation that they give at a moment.
///
/// Welford's sums: one pass, nothing is looked at twice. A column that has held nothing but 0 and 1 so far is an indicator and stays as it
/// is; another becomes `(x - mean) / sd`, and beyond `limit` standard deviations only its logarithm counts, so that one wild value neither
/// disappears nor rules the regression. A column that has not varied becomes 0: nothing can have been learned of it.
struct RunningScaling {
    private var count = 0.0
    private var means: [Double]
    private var squares: [Double]
    private var isIndicator: [Bool]
    /// Whether a column varied for the first time since somebody set this to false: a standardisation taken before makes it 0.
    var hasNewColumn = false

    init(width: Int) {
        means = [Double](repeating: 0, count: width)
        squares = means
        isIndicator = [Bool](repeating: true, count: width)
    }

    /// Takes one row into account. O(width).
    mutating func add(_ row: ArraySlice<Float>) {
        count += 1
        let share = 1 / count
        let row = row.span
        for column in row.indices {
            let value = Double(row[column])
            if value != 0 && value != 1 { isIndicator[column] = false }
            let difference = value - means[column]
            means[column] += difference * share
            let square = squares[column]
            squares[column] = square + difference * (value - means[column])
            if square == 0 && squares[column] > 0 { hasNewColumn = true }
        }
    }

    /// The standardisation of what was added so far.
    var scaling: Scaling {
        var shifts = means
        var factors = [Double](repeating: 1, count: means.count)
        for column in means.indices {
            let deviation = (squares[column] / max(1, count)).squareRoot()
            // A `Float` column carries seven digits: less spread than that is rounding.
            let varies = deviation > max(1e-6 * abs(means[column]), 1e-30)
            if !varies {
                factors[column] = 0
            } else if isIndicator[column] {
                shifts[column] = 0
            } else {
                factors[column] = 1 / deviation
            }
        }
        return Scaling(shifts: shifts, factors: factors)
    }

    /// A fixed standardisation.
    struct Scaling {
        let shifts: [Double]
        let factors: [Double]

        /// Writes a scaled row. O(width).
        func apply(_ row: ArraySlice<Float>, into output: inout [Float]) {
            let row = row.span
            for column in row.indices {
                let value = (Double(row[column]) - shifts[column]) * factors[column]
                output[column] = Float(Self.limited(value))
            }
        }

        /// The identity up to `limit`, a logarithm beyond.
        private static func limited(_ value: Double) -> Double {
            let size = abs(value)
            guard size > limit else { return value }
            let shortened = limit * (1 + ElementaryFunctions.log(size / limit))
            return value < 0 ? -shortened : shortened
        }

        private static let limit = 3.0
    }
}
