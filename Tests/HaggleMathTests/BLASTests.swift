import HaggleMath
import Testing

@Suite struct BLASTests {
    /// Products of small whole numbers are exact in any order, so BLAS must give the plain loops' numbers.
    private func numbers(_ count: Int, seed: UInt64) -> [Double] {
        var generator = SeededGenerator(seed: seed)
        return (0..<count).map { _ in Double(Int.random(in: -9...9, using: &generator)) }
    }

    private func product(
        _ left: [Double], _ leftOperation: BLAS.Operation, _ right: [Double], _ rightOperation: BLAS.Operation, rows: Int, inner: Int,
        columns: Int
    ) -> [Double] {
        var result = [Double](repeating: 0, count: rows * columns)
        for row in 0..<rows {
            for column in 0..<columns {
                for index in 0..<inner {
                    let a = leftOperation == .asStored ? left[row * inner + index] : left[index * rows + row]
                    let b = rightOperation == .asStored ? right[index * columns + column] : right[column * inner + index]
                    result[row * columns + column] += a * b
                }
            }
        }
        return result
    }

    static let operations: [BLAS.Operation] = [.asStored, .transposed]

    @Test(arguments: operations, operations) func productsAreThePlainLoops(_ left: BLAS.Operation, _ right: BLAS.Operation) {
        let (rows, inner, columns) = (5, 7, 3)
        let a = numbers(rows * inner, seed: 1)
        let b = numbers(inner * columns, seed: 2)
        let before = numbers(rows * columns, seed: 3)
        let expected = zip(product(a, left, b, right, rows: rows, inner: inner, columns: columns), before).map { 2 * $0 + 3 * $1 }
        var double = before
        var doubles = double.mutableSpan
        BLAS.multiply(a.span, left, b.span, right, rows: rows, inner: inner, columns: columns, scale: 2, keep: 3, into: &doubles)
        #expect(double == expected)
        var single = before.map(Float.init)
        var singles = single.mutableSpan
        let (shortA, shortB) = (a.map(Float.init), b.map(Float.init))
        BLAS.multiply(
            shortA.span, left, shortB.span, right, rows: rows, inner: inner, columns: columns, scale: 2, keep: 3,
            into: &singles)
        #expect(single == expected.map(Float.init))
    }

    @Test func whatIsNotKeptIsNotRead() {
        let (left, right): ([Float], [Float]) = ([2], [3, 4])
        var result: [Float] = [.nan, .nan]
        var span = result.mutableSpan
        BLAS.multiply(left.span, .asStored, right.span, rows: 1, inner: 1, columns: 2, into: &span)
        #expect(result == [6, 8])
    }

    @Test func aSumOfNothingIsZero() {
        let none: [Float] = []
        var result: [Float] = [.nan, .nan]
        var span = result.mutableSpan
        BLAS.multiply(none.span, .asStored, none.span, rows: 1, inner: 0, columns: 2, into: &span)
        #expect(result == [0, 0])
    }

    @Test func aGramMatrixIsTheSumOfSquaresAndProducts() {
        let rows = numbers(6 * 4, seed: 4)
        var gram = Matrix<Double>(diagonal: 10, size: 4)
        BLAS.addGram(of: rows.span, rowCount: 6, scale: 0.5, to: &gram)
        let products = product(rows, .transposed, rows, .asStored, rows: 4, inner: 6, columns: 4)
        for row in 0..<4 {
            for column in 0..<4 { #expect(gram[row, column] == (row == column ? 10 : 0) + 0.5 * products[row * 4 + column]) }
        }
    }

    /// The textbook example: the factor of [[4, 12, -16], [12, 37, -43], [-16, -43, 98]] is [[2, 0, 0], [6, 1, 0], [-8, 5, 3]].
    @Test func theCholeskyFactorIsTheTextbooks() {
        let matrix = Matrix<Double>(rowCount: 3, columnCount: 3, elements: [4, 12, -16, 12, 37, -43, -16, -43, 98])
        #expect(BLAS.choleskyFactor(of: matrix)?.elements == [2, 0, 0, 6, 1, 0, -8, 5, 3])
        // matrix * (1, 2, 3) and matrix * (0, 0, 1).
        let sides = Matrix<Double>(rowCount: 3, columnCount: 2, elements: [-20, -16, -43, -43, 192, 98])
        let solution = BLAS.solve(positiveDefinite: matrix, sides)
        // Condition number about 2e3, so some 1e-13 of rounding.
        for (found, expected) in zip(solution?.elements ?? [], [1, 0, 2, 0, 3, 1]) { #expect(abs(found - Double(expected)) < 1e-11) }
        #expect(solution?.elements.count == 6)
    }

    @Test func whatIsNotPositiveDefiniteHasNoFactor() {
        let indefinite = Matrix<Double>(rowCount: 2, columnCount: 2, elements: [1, 2, 2, 1])
        #expect(BLAS.choleskyFactor(of: indefinite) == nil)
        #expect(BLAS.solve(positiveDefinite: indefinite, Matrix(rowCount: 2, columnCount: 1)) == nil)
        #expect(BLAS.choleskyFactor(of: Matrix(diagonal: .nan, size: 2)) == nil)
    }
}
