/// A dense matrix, row-major: element (r, c) is `elements[r * columnCount + c]`.
///
/// `Double` for statistics and posteriors, `Float` inside networks.
package struct Matrix<Scalar: BinaryFloatingPoint & Hashable & Sendable & Codable>: Hashable, Sendable, Codable {
    package let rowCount: Int
    package let columnCount: Int
    /// Row after row; always `rowCount * columnCount` numbers.
    package private(set) var elements: [Scalar]

    /// A matrix that holds one number everywhere.
    package init(rowCount: Int, columnCount: Int, repeating value: Scalar = 0) {
        precondition(rowCount >= 0 && columnCount >= 0, "a matrix has no negative number of rows or columns")
        self.rowCount = rowCount
        self.columnCount = columnCount
        elements = [Scalar](repeating: value, count: rowCount * columnCount)
    }

    /// A matrix from its elements, row after row.
    /// - Precondition: there are `rowCount * columnCount` of them.
    package init(rowCount: Int, columnCount: Int, elements: [Scalar]) {
        precondition(
            rowCount >= 0 && columnCount >= 0 && elements.count == rowCount * columnCount,
            "a matrix of \(rowCount) x \(columnCount) needs \(rowCount * columnCount) elements, not \(elements.count)")
        self.rowCount = rowCount
        self.columnCount = columnCount
        self.elements = elements
    }

    /// A square matrix with one number on the diagonal and 0 elsewhere.
    package init(diagonal value: Scalar, size: Int) {
        self.init(rowCount: size, columnCount: size)
        for index in 0..<size { elements[index * size + index] = value }
    }

    /// Element of a row and a column, both from 0.
    package subscript(row: Int, column: Int) -> Scalar {
        get {
            precondition(row >= 0 && row < rowCount && column >= 0 && column < columnCount, "outside the matrix")
            return elements[row * columnCount + column]
        }
        set {
            precondition(row >= 0 && row < rowCount && column >= 0 && column < columnCount, "outside the matrix")
            elements[row * columnCount + column] = newValue
        }
    }

    /// Lends the elements for reading, row after row.
    package func withElements<Result>(_ body: (Span<Scalar>) throws -> Result) rethrows -> Result { try body(elements.span) }

    /// Lends the elements for writing in place, row after row.
    package mutating func withMutableElements<Result>(_ body: (inout MutableSpan<Scalar>) throws -> Result) rethrows -> Result {
        var span = elements.mutableSpan
        return try body(&span)
    }
}

extension Matrix {
    private enum CodingKeys: String, CodingKey { case rowCount, columnCount, elements }

    package init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        rowCount = try container.decode(Int.self, forKey: .rowCount)
        columnCount = try container.decode(Int.self, forKey: .columnCount)
        elements = try container.decode([Scalar].self, forKey: .elements)
        let (count, overflow) = rowCount.multipliedReportingOverflow(by: columnCount)
        guard rowCount >= 0, columnCount >= 0, !overflow, count == elements.count else {
            throw DecodingError.dataCorruptedError(
                forKey: .elements, in: container,
                debugDescription: "a matrix of \(rowCount) x \(columnCount) does not hold \(elements.count) elements")
        }
    }
}
