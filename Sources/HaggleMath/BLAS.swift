import COpenBLAS

/// The few routines of OpenBLAS and LAPACKE that Haggle calls, on row-major spans. This file is the only one that touches them.
///
/// One thread unless `setThreads` says otherwise, so that results are the same bits every time on one machine. Bits differ between machines
/// and between batch sizes: serving never comes here.
package enum BLAS {
    /// How an operand enters a product.
    package enum Operation: Hashable, Sendable { case asStored, transposed }

    /// OpenBLAS takes every core by default; the first call of ours brings it down to one.
    private static let oneThreadUnlessTold: Void = openblas_set_num_threads(1)

    /// Sets the number of threads of OpenBLAS, for the whole process. With more than one, results may differ in their last bits.
    package static func setThreads(_ count: Int) {
        precondition(count >= 1, "at least one thread")
        _ = oneThreadUnlessTold
        openblas_set_num_threads(Int32(clamping: count))
    }

    /// `product = scale * op(left) * op(right) + keep * product` in single precision; O(rows * inner * columns).
    /// - Parameters:
    ///   - rows: rows of `op(left)` and of the product.
    ///   - inner: columns of `op(left)`, rows of `op(right)`.
    ///   - columns: columns of `op(right)` and of the product.
    ///   - keep: what remains of the previous content of `product`; with 0 it is not read.
    /// - Precondition: every span holds at least as many elements as its shape says; the surplus is left alone.
    package static func multiply(
        _ left: Span<Float>, _ leftOperation: Operation = .asStored, _ right: Span<Float>, _ rightOperation: Operation = .asStored,
        rows: Int, inner: Int, columns: Int, scale: Float = 1, keep: Float = 0, into product: inout MutableSpan<Float>
    ) {
        check(left.count, right.count, product.count, rows: rows, inner: inner, columns: columns)
        guard rows > 0, columns > 0 else { return }
        _ = oneThreadUnlessTold
        let leftStride = max(1, leftOperation == .asStored ? inner : rows)
        let rightStride = max(1, rightOperation == .asStored ? columns : inner)
        // The pointers live inside these closures, and `check` has shown that cblas stays inside the spans.
        unsafe left.withUnsafeBufferPointer { leftElements in
            unsafe right.withUnsafeBufferPointer { rightElements in
                unsafe product.withUnsafeMutableBufferPointer { elements in
                    unsafe cblas_sgemm(
                        CblasRowMajor, transposition(leftOperation), transposition(rightOperation), Int32(rows), Int32(columns),
                        Int32(inner),
                        scale, leftElements.baseAddress, Int32(leftStride), rightElements.baseAddress, Int32(rightStride), keep,
                        elements.baseAddress, Int32(columns))
                }
            }
        }
    }

    /// `product = scale * op(left) * op(right) + keep * product` in double precision; otherwise as the one in single precision.
    package static func multiply(
        _ left: Span<Double>, _ leftOperation: Operation = .asStored, _ right: Span<Double>, _ rightOperation: Operation = .asStored,
        rows: Int, inner: Int, columns: Int, scale: Double = 1, keep: Double = 0, into product: inout MutableSpan<Double>
    ) {
        check(left.count, right.count, product.count, rows: rows, inner: inner, columns: columns)
        guard rows > 0, columns > 0 else { return }
        _ = oneThreadUnlessTold
        let leftStride = max(1, leftOperation == .asStored ? inner : rows)
        let rightStride = max(1, rightOperation == .asStored ? columns : inner)
        // The pointers live inside these closures, and `check` has shown that cblas stays inside the spans.
        unsafe left.withUnsafeBufferPointer { leftElements in
            unsafe right.withUnsafeBufferPointer { rightElements in
                unsafe product.withUnsafeMutableBufferPointer { elements in
                    unsafe cblas_dgemm(
                        CblasRowMajor, transposition(leftOperation), transposition(rightOperation), Int32(rows), Int32(columns),
                        Int32(inner),
                        scale, leftElements.baseAddress, Int32(leftStride), rightElements.baseAddress, Int32(rightStride), keep,
                        elements.baseAddress, Int32(columns))
                }
            }
        }
    }

    /// Adds `scale * X'X` to a symmetric matrix, both triangles: the sums of squares and products of a block of rows.
    ///
    /// A weighted sum is had by multiplying each row by the square root of its weight. O(rowCount * n^2) for n columns.
    /// - Parameter rows: `rowCount` rows of as many numbers as `gram` has columns, row-major.
    /// - Precondition: `gram` is square and was symmetric; only its lower triangle is read.
    package static func addGram(of rows: Span<Double>, rowCount: Int, scale: Double = 1, to gram: inout Matrix<Double>) {
        let size = gram.columnCount
        precondition(gram.rowCount == size && rows.count >= rowCount * size, "the rows do not fit the matrix")
        guard rowCount > 0, size > 0 else { return }
        _ = oneThreadUnlessTold
        gram.withMutableElements { elements in
            // The pointers live inside these closures; the shapes are checked above.
            unsafe rows.withUnsafeBufferPointer { rows in
                unsafe elements.withUnsafeMutableBufferPointer { elements in
                    unsafe cblas_dsyrk(
                        CblasRowMajor, CblasLower, CblasTrans, Int32(size), Int32(rowCount), scale, rows.baseAddress, Int32(size), 1,
                        elements.baseAddress, Int32(size))
                }
            }
            for row in 0..<size {
                for column in 0..<row { elements[column * size + row] = elements[row * size + column] }
            }
        }
    }

    /// The lower triangular L with `L L' = matrix` and zeros above the diagonal; nil where the matrix is not positive definite or not finite.
    ///
    /// Reads the lower triangle only. O(n^3).
    package static func choleskyFactor(of matrix: Matrix<Double>) -> Matrix<Double>? {
        let size = matrix.columnCount
        precondition(matrix.rowCount == size, "only a square matrix has a Cholesky factor")
        guard size > 0 else { return matrix }
        _ = oneThreadUnlessTold
        var factor = matrix
        let failure = factor.withMutableElements { elements in
            // A square matrix of `size`, lent for the call.
            unsafe elements.withUnsafeMutableBufferPointer { elements in
                unsafe LAPACKE_dpotrf(LAPACK_ROW_MAJOR, lowerTriangle, Int32(size), elements.baseAddress, Int32(size))
            }
        }
        guard failure == 0 else { return nil }
        factor.withMutableElements { elements in
            for row in 0..<size {
                for column in row + 1..<size { elements[row * size + column] = 0 }
            }
        }
        return factor
    }

    /// The X with `matrix * X = rightSides`, by Cholesky; nil where the matrix is not positive definite or not finite.
    ///
    /// Reads the lower triangle only. One column of `rightSides` a system. O(n^3).
    package static func solve(positiveDefinite matrix: Matrix<Double>, _ rightSides: Matrix<Double>) -> Matrix<Double>? {
        let size = matrix.columnCount
        precondition(matrix.rowCount == size && rightSides.rowCount == size, "the right sides do not fit the matrix")
        guard size > 0, rightSides.columnCount > 0 else { return rightSides }
        _ = oneThreadUnlessTold
        var factor = matrix
        var solution = rightSides
        let columns = Int32(rightSides.columnCount)
        let failure = factor.withMutableElements { factor in
            solution.withMutableElements { solution in
                // Both matrices are lent for the call, in the shapes checked above.
                unsafe factor.withUnsafeMutableBufferPointer { factor in
                    unsafe solution.withUnsafeMutableBufferPointer { solution in
                        unsafe LAPACKE_dposv(
                            LAPACK_ROW_MAJOR, lowerTriangle, Int32(size), columns, factor.baseAddress, Int32(size), solution.baseAddress,
                            columns)
                    }
                }
            }
        }
        return failure == 0 ? solution : nil
    }

    private static let lowerTriangle = CChar(UInt8(ascii: "L"))

    private static func transposition(_ operation: Operation) -> CBLAS_TRANSPOSE {
        operation == .asStored ? CblasNoTrans : CblasTrans
    }

    private static func check(_ left: Int, _ right: Int, _ product: Int, rows: Int, inner: Int, columns: Int) {
        precondition(
            rows >= 0 && inner >= 0 && columns >= 0 && left >= rows * inner && right >= inner * columns && product >= rows * columns,
            "a product of \(rows) x \(inner) and \(inner) x \(columns) does not fit spans of \(left), \(right) and \(product)")
        precondition(max(rows, inner, columns) <= Int(Int32.max), "BLAS counts in 32 bits")
    }
}
