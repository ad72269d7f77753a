import HaggleMath
import Testing

@Suite struct CholeskyTests {
    /// A positive definite matrix `B B' + I`, and vectors, from a seed.
    private static func example(_ dimension: Int, seed: UInt64) -> (matrix: SymmetricMatrix, vectors: [[Double]]) {
        var generator = SeededGenerator(seed: seed)
        var matrix = SymmetricMatrix(dimension: dimension)
        for i in 0..<dimension { matrix[i, i] = 1 }
        var vectors: [[Double]] = []
        for _ in 0..<(2 * dimension) {
            let v = (0..<dimension).map { _ in generator.normal() }
            matrix.addOuterProduct(of: v)
            vectors.append(v)
        }
        return (matrix, vectors)
    }

    /// L L' entry by entry.
    private static func product(_ factor: Cholesky) -> SymmetricMatrix {
        let d = factor.dimension
        var result = SymmetricMatrix(dimension: d)
        for column in 0..<d {
            let start = SymmetricMatrix.offset(column: column, dimension: d)
            var v = [Double](repeating: 0, count: d)
            for row in column..<d { v[row] = factor.packed[start + row - column] }
            result.addOuterProduct(of: v)
        }
        return result
    }

    private static func largestDifference(_ a: [Double], _ b: [Double]) -> Double {
        zip(a, b).map { abs($0 - $1) }.max() ?? 0
    }

    @Test(arguments: [1, 2, 3, 7, 32, 65])
    func factorTimesItsTransposeIsTheMatrix(dimension: Int) throws {
        let (matrix, _) = Self.example(dimension, seed: 1)
        let factor = try #require(Cholesky(of: matrix))
        // Backward error of a factorisation: a few d ulps of the largest entry, here below 300.
        #expect(Self.largestDifference(Self.product(factor).packed, matrix.packed) < 1e-11)
    }

    @Test func knownFactor() throws {
        // [[4, 12, -16], [12, 37, -43], [-16, -43, 98]] = L L' with L = [[2], [6, 1], [-8, 5, 3]].
        var matrix = SymmetricMatrix(dimension: 3)
        for (i, row) in [[4.0, 12, -16], [12, 37, -43], [-16, -43, 98]].enumerated() { for j in 0...i { matrix[i, j] = row[j] } }
        let factor = try #require(Cholesky(of: matrix))
        #expect(factor.packed == [2, 6, -8, 1, 5, 3])
        // A^-1 (1, 2, 3) by Cramer's rule, determinant 36.
        #expect(Self.largestDifference(factor.solve([1, 2, 3]), [343 / 12.0, -23 / 3.0, 4 / 3.0]) < 1e-12)
    }

    @Test(arguments: [1, 4, 33, 64])
    func manyRankOneUpdatesEqualAFreshFactor(dimension: Int) throws {
        let (_, vectors) = Self.example(dimension, seed: 2)
        var sums = SymmetricMatrix(dimension: dimension)
        var factor = Cholesky(identityTimes: 0.5, dimension: dimension)
        for round in 0..<10 {
            for v in vectors {
                let weight = Double(round % 3)
                sums.addOuterProduct(of: v, weight: weight)
                factor.update(by: v, weight: weight)
            }
        }
        let fresh = Cholesky(of: sums, ridge: 0.5)
        // 20 d orthogonal rotations: rounding grows with their root.
        #expect(factor.drift(from: fresh) < 1e-13)
        #expect(fresh.drift(from: fresh) == 0)
    }

    @Test func downdateTakesAnUpdateBack() throws {
        let (matrix, vectors) = Self.example(9, seed: 3)
        let before = try #require(Cholesky(of: matrix))
        var factor = before
        factor.update(by: vectors[0], weight: 2.5)
        let taken = factor.downdate(by: vectors[0], weight: 2.5)
        #expect(taken)
        #expect(factor.drift(from: before) < 1e-13)
    }

    @Test func downdateThatWouldBeIndefiniteChangesNothing() {
        var factor = Cholesky(identityTimes: 1, dimension: 3)
        let before = factor
        let taken = factor.downdate(by: [0, 0.9, 0.9])
        #expect(!taken)
        #expect(factor == before)
    }

    @Test(arguments: [1, 5, 40])
    func solvesAndFormsAgreeWithTheMatrix(dimension: Int) throws {
        let (matrix, vectors) = Self.example(dimension, seed: 4)
        let factor = try #require(Cholesky(of: matrix))
        let b = vectors[1]
        let x = factor.solve(b)
        #expect(Self.largestDifference(matrix.multiplied(by: x), b) < 1e-11)
        let form = zip(b, x).map(*).reduce(0, +)
        #expect(abs(factor.inverseQuadraticForm(b) - form) < 1e-12 * max(1, form))
        // The packed inverse times b is L^-1 b.
        let inverse = factor.inverseFactor()
        var product = [Double](repeating: 0, count: dimension)
        for column in 0..<dimension {
            let start = SymmetricMatrix.offset(column: column, dimension: dimension)
            for row in column..<dimension { product[row] += inverse[start + row - column] * b[column] }
        }
        var solved = b
        factor.solveLower(&solved)
        #expect(Self.largestDifference(product, solved) < 1e-12)
    }

    @Test func notPositiveDefiniteIsNil() {
        var matrix = SymmetricMatrix(dimension: 2)
        matrix[0, 0] = 1
        matrix[1, 0] = 2
        matrix[1, 1] = 4
        #expect(Cholesky(of: matrix) == nil)
    }

    /// Data of size 1e9 drown a ridge of 1; the factor must stay finite and positive.
    @Test func hugeCollinearDataStillFactor() {
        var sums = SymmetricMatrix(dimension: 3)
        for k in 1...100 { sums.addOuterProduct(of: [1e9, 2e9, Double(k)]) }
        let factor = Cholesky(of: sums, ridge: 1)
        #expect(factor.packed.allSatisfy { $0.isFinite })
        #expect(factor.inverseQuadraticForm([1, 1, 1]).isFinite)
    }
}
