import HaggleMath
import Testing

@testable import Policies

@Suite struct SymmetricStripsTests {
    /// Sizes below, at and between multiples of eight, against sums over the whole matrix in plain loops.
    @Test(arguments: [1, 7, 8, 9, 16, 53])
    func productsAreThoseOfTheWholeMatrix(size: Int) {
        var generator = SeededGenerator(seed: UInt64(size))
        let a = (0..<size).map { _ in (0..<size).map { _ in generator.normal() } }
        var matrix = Matrix<Double>(rowCount: size, columnCount: size)
        for row in 0..<size {
            for column in 0..<size { matrix[row, column] = a[row][column] + a[column][row] }
        }
        let x = (0..<size).map { _ in generator.normal() }
        let v = (0..<size).map { _ in generator.normal() }
        var strips = SymmetricStrips(matrix)
        strips.subtractOuterProduct(of: Self.padded(v), weight: 0.3)
        for row in 0..<size {
            for column in 0..<size { matrix[row, column] -= 0.3 * v[row] * v[column] }
        }
        var product = [SymmetricStrips.Eight](repeating: .zero, count: strips.stripCount)
        strips.multiply(Self.padded(x), into: &product)
        var form = 0.0
        for row in 0..<size {
            var sum = 0.0
            for column in 0..<size { sum += matrix[row, column] * x[column] }
            // Sums of at most 53 products near 1: rounding is some 1e-15 each.
            #expect(abs(product[row / 8][row % 8] - sum) < 1e-12)
            form += sum * x[row]
        }
        #expect(abs(strips.quadraticForm(Self.padded(x)) - form) < 1e-11)
        for place in size..<8 * strips.stripCount { #expect(product[place / 8][place % 8] == 0) }
    }

    @Test func theIdentityGivesTheSquaredLength() {
        let strips = SymmetricStrips(diagonal: 2, size: 3)
        #expect(strips.quadraticForm(Self.padded([1, 2, 3])) == 28)
    }

    static func padded(_ values: [Double]) -> [SymmetricStrips.Eight] {
        var result = [SymmetricStrips.Eight](repeating: .zero, count: SymmetricStrips.stripCount(values.count))
        for (index, value) in values.enumerated() { result[index / 8][index % 8] = value }
        return result
    }
}
