/// The lower Cholesky factor of a positive definite matrix: `A = L L'`, kept up to date under rank-one changes.
///
/// Packed as `SymmetricMatrix` is. Every sum runs in a fixed order in our own code, so that equal inputs give equal bits on one build;
/// LAPACK would choose another order on another processor.
package struct Cholesky: Hashable, Sendable {
    package let dimension: Int
    /// The lower triangle of L, column by column, each from the diagonal down.
    package private(set) var packed: [Double]

    /// The factor of `scale` times the identity.
    /// - Precondition: `scale > 0`.
    package init(identityTimes scale: Double, dimension: Int) {
        self.init(of: SymmetricMatrix(dimension: dimension), ridge: scale)
    }

    /// The factor of `matrix + ridge I` for a positive *semi*definite matrix. O(d^3 / 3).
    ///
    /// Every squared pivot of such a sum is at least `ridge`, in exact arithmetic; one that rounding leaves below it is raised to it. So
    /// collinear or huge data give a finite, somewhat inaccurate factor and never a failure.
    /// - Precondition: `ridge > 0`.
    package init(of matrix: SymmetricMatrix, ridge: Double) {
        precondition(ridge > 0, "a ridge must be above 0")
        dimension = matrix.dimension
        packed = matrix.packed
        for column in 0..<dimension { packed[SymmetricMatrix.offset(column: column, dimension: dimension)] += ridge }
        _ = factor(leastPivot: ridge)
    }

    /// The factor of a matrix, or nil where it is not positive definite to working precision. O(d^3 / 3).
    package init?(of matrix: SymmetricMatrix) {
        dimension = matrix.dimension
        packed = matrix.packed
        guard factor(leastPivot: nil) else { return nil }
    }

    /// Makes this the factor of `A + weight v v'`: a sequence of Givens rotations (Gill, Golub, Murray & Saunders 1974, method C). O(d^2).
    /// - Precondition: `weight >= 0`; `v` has `dimension` elements.
    package mutating func update(by v: [Double], weight: Double = 1) {
        precondition(v.count == dimension, "the vector's length must be the factor's dimension")
        precondition(weight >= 0, "a factor can only be updated by a non-negative weight; see downdate")
        let root = weight.squareRoot()
        var rest = v
        for index in rest.indices { rest[index] *= root }
        let dimension = dimension
        // Safe: `line` and `rest` walk down the diagonal, with `length` numbers behind each; the pointers live in their closures only.
        unsafe packed.withUnsafeMutableBufferPointer { entries in
            unsafe rest.withUnsafeMutableBufferPointer { rest in
                guard var line = entries.baseAddress, var rest = rest.baseAddress else { return }
                for length in stride(from: dimension, to: 0, by: -1) {
                    let x = unsafe rest.pointee
                    if x != 0 {
                        let pivot = unsafe line.pointee
                        let norm = (pivot * pivot + x * x).squareRoot()
                        let cosine = pivot / norm
                        let sine = x / norm
                        unsafe line.pointee = norm
                        var i = 1
                        while i &+ 4 <= length {
                            let old = unsafe line.four(i)
                            let other = unsafe rest.four(i)
                            unsafe line.setFour(i, cosine * old + sine * other)
                            unsafe rest.setFour(i, cosine * other - sine * old)
                            i &+= 4
                        }
                        while i < length {
                            let old = unsafe line[i]
                            let other = unsafe rest[i]
                            unsafe line[i] = cosine * old + sine * other
                            unsafe rest[i] = cosine * other - sine * old
                            i &+= 1
                        }
                    }
                    unsafe line += length
                    unsafe rest += 1
                }
            }
        }
    }

    /// Makes this the factor of `A - weight v v'`, by hyperbolic rotations in the mixed form (Bojanczyk et al. 1987). O(d^2).
    /// - Returns: false, and the factor as it was, where the difference is not positive definite to working precision.
    /// - Precondition: `weight >= 0`; `v` has `dimension` elements.
    package mutating func downdate(by v: [Double], weight: Double = 1) -> Bool {
        precondition(v.count == dimension, "the vector's length must be the factor's dimension")
        precondition(weight >= 0, "a downdate takes the weight that the update had")
        let root = weight.squareRoot()
        var rest = v.map { $0 * root }
        var changed = packed
        for column in 0..<dimension {
            let start = SymmetricMatrix.offset(column: column, dimension: dimension)
            let pivot = changed[start]
            let sine = rest[column] / pivot
            let remainder = (1 - sine) * (1 + sine)
            guard remainder > 0 else { return false }
            let cosine = remainder.squareRoot()
            changed[start] = pivot * cosine
            for i in 1..<max(1, dimension - column) {
                let new = (changed[start + i] - sine * rest[column + i]) / cosine
                rest[column + i] = cosine * rest[column + i] - sine * new
                changed[start + i] = new
            }
        }
        packed = changed
        return true
    }

    /// Replaces `b` by the solution y of `L y = b`. O(d^2).
    package func solveLower(_ b: inout [Double]) {
        precondition(b.count == dimension, "the vector's length must be the factor's dimension")
        let dimension = dimension
        // Safe: `line` and `rest` walk down the diagonal, with `length` numbers behind each; the pointers live in their closures only.
        unsafe packed.withUnsafeBufferPointer { entries in
            unsafe b.withUnsafeMutableBufferPointer { b in
                guard var line = entries.baseAddress, var rest = b.baseAddress else { return }
                for length in stride(from: dimension, to: 0, by: -1) {
                    if unsafe rest.pointee != 0 {
                        let y = unsafe rest.pointee / line.pointee
                        unsafe rest.pointee = y
                        var i = 1
                        while i &+ 4 <= length {
                            unsafe rest.setFour(i, rest.four(i) - y * line.four(i))
                            i &+= 4
                        }
                        while i < length {
                            unsafe rest[i] -= y * line[i]
                            i &+= 1
                        }
                    }
                    unsafe line += length
                    unsafe rest += 1
                }
            }
        }
    }

    /// Replaces `y` by the solution x of `L' x = y`. O(d^2).
    package func solveUpper(_ y: inout [Double]) {
        precondition(y.count == dimension, "the vector's length must be the factor's dimension")
        for column in stride(from: dimension - 1, through: 0, by: -1) {
            let start = SymmetricMatrix.offset(column: column, dimension: dimension)
            var sum = y[column]
            for i in 1..<max(1, dimension - column) { sum -= packed[start + i] * y[column + i] }
            y[column] = sum / packed[start]
        }
    }

    /// The solution x of `A x = b`. O(d^2).
    package func solve(_ b: [Double]) -> [Double] {
        var x = b
        solveLower(&x)
        solveUpper(&x)
        return x
    }

    /// `v' A^-1 v`, as the squared length of `L^-1 v` and so never negative. O(d^2).
    package func inverseQuadraticForm(_ v: [Double]) -> Double {
        var y = v
        solveLower(&y)
        var sum = 0.0
        for value in y { sum += value * value }
        return sum
    }

    /// The lower triangle of `L^-1`, packed as L is. O(d^3 / 6).
    ///
    /// For serving: a product with it runs without the divisions and the chain of dependent steps of a solve.
    package func inverseFactor() -> [Double] {
        var result = [Double](repeating: 0, count: packed.count)
        var column = [Double](repeating: 0, count: dimension)
        for j in 0..<dimension {
            for i in 0..<dimension { column[i] = 0 }
            column[j] = 1
            for k in j..<dimension {
                let start = SymmetricMatrix.offset(column: k, dimension: dimension)
                let y = column[k] / packed[start]
                column[k] = y
                if y != 0 {
                    for i in 1..<max(1, dimension - k) { column[k + i] -= y * packed[start + i] }
                }
            }
            let start = SymmetricMatrix.offset(column: j, dimension: dimension)
            for i in j..<dimension { result[start + i - j] = column[i] }
        }
        return result
    }

    /// How far this factor lies from `reference`: the largest difference of an entry, relative to the length of the reference's row.
    ///
    /// A row's length is the square root of A's diagonal entry, so the measure does not depend on the scale of any feature. 0 for equal
    /// factors; about `1e-16 * sqrt(updates)` is ordinary rounding.
    package func drift(from reference: Self) -> Double {
        precondition(reference.dimension == dimension, "only factors of one dimension can be compared")
        var squaredLengths = [Double](repeating: 0, count: dimension)
        var differences = [Double](repeating: 0, count: dimension)
        var index = 0
        for column in 0..<dimension {
            for row in column..<dimension {
                squaredLengths[row] += reference.packed[index] * reference.packed[index]
                differences[row] = max(differences[row], abs(packed[index] - reference.packed[index]))
                index += 1
            }
        }
        var largest = 0.0
        for row in 0..<dimension { largest = max(largest, differences[row] / squaredLengths[row].squareRoot()) }
        return largest
    }

    /// Factors `packed` in place, right-looking. False where a squared pivot is not above 0 and no least one is given.
    private mutating func factor(leastPivot: Double?) -> Bool {
        for column in 0..<dimension {
            let start = SymmetricMatrix.offset(column: column, dimension: dimension)
            var square = packed[start]
            if let leastPivot { square = max(square, leastPivot) }
            guard square > 0 else { return false }
            let pivot = square.squareRoot()
            packed[start] = pivot
            for i in 1..<max(1, dimension - column) { packed[start + i] /= pivot }
            for j in 1..<max(1, dimension - column) {
                let multiplier = packed[start + j]
                guard multiplier != 0 else { continue }
                let target = SymmetricMatrix.offset(column: column + j, dimension: dimension)
                for i in j..<(dimension - column) { packed[target + i - j] -= multiplier * packed[start + i] }
            }
        }
        return true
    }
}
