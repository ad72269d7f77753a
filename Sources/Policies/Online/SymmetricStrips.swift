import HaggleMath

/// A symmetric matrix for products with one vector after another: its lower triangle in strips of eight columns.
///
/// Strip J holds the columns 8 J ..< 8 J + 8 of the rows from 8 J down, a row's eight numbers beside each other; the size is rounded up to a
/// multiple of eight with zeros. So every product runs along memory in whole vectors, half of the matrix is never read, and the order of
/// every sum is ours: equal inputs give equal bits on every machine.
struct SymmetricStrips: Hashable, Sendable {
    typealias Eight = SIMD8<Double>

    /// Number of strips, and of `Eight`s in a vector that it is multiplied with.
    let stripCount: Int
    private var rows: [Eight]

    /// The identity of that size, times a number.
    init(diagonal value: Double, size: Int) {
        stripCount = Self.stripCount(size)
        rows = [Eight](repeating: .zero, count: 4 * stripCount * (stripCount + 1))
        for index in 0..<size { set(index, index, value) }
    }

    /// The lower triangle of a square matrix.
    init(_ matrix: Matrix<Double>) {
        self.init(diagonal: 0, size: matrix.rowCount)
        for row in 0..<matrix.rowCount {
            for column in 0...row {
                set(row, column, matrix[row, column])
                // Blocks on the diagonal are kept whole.
                if column / 8 == row / 8 { set(column, row, matrix[row, column]) }
            }
        }
    }

    /// Strips of a matrix of `size` rows.
    static func stripCount(_ size: Int) -> Int { (size + 7) / 8 }

    private mutating func set(_ row: Int, _ column: Int, _ value: Double) {
        let strip = column / 8
        // The strips before hold 8 stripCount, 8 stripCount - 8, ... rows.
        rows[8 * strip * stripCount - 4 * strip * (strip - 1) + row - 8 * strip][column % 8] = value
    }

    /// `x' A x`. O(n^2 / 2).
    /// - Precondition: `x` has `stripCount` elements.
    func quadraticForm(_ x: [Eight]) -> Double {
        precondition(x.count == stripCount, "the vector's length must be the matrix's")
        var total = Eight.zero
        // Safe: `start` walks once through all rows, eight for each block on and below the diagonal, and `scalars` through those of x.
        unsafe x.withUnsafeBytes { scalars in
            unsafe rows.withUnsafeBufferPointer { rows in
                var start = 0
                for strip in 0..<stripCount {
                    // Two sums, because each waits for its last addition. The block on the diagonal counts once, those below it twice.
                    var (even, odd) = (Eight.zero, Eight.zero)
                    let count = 8 &* (stripCount &- strip)
                    var place = 64 &* strip
                    var index = start
                    let end = start &+ count
                    while index < end {
                        let first = unsafe scalars.load(fromByteOffset: place, as: Double.self)
                        let second = unsafe scalars.load(fromByteOffset: place &+ 8, as: Double.self)
                        unsafe even += first * rows[index]
                        unsafe odd += second * rows[index &+ 1]
                        index &+= 2
                        place &+= 16
                        if index == start &+ 8 {
                            even *= 0.5
                            odd *= 0.5
                        }
                    }
                    total += x[strip] * (even + odd)
                    start += count
                }
            }
        }
        return 2 * Self.sum(total)
    }

    /// Writes `A x`. O(n^2).
    /// - Precondition: both have `stripCount` elements.
    func multiply(_ x: [Eight], into product: inout [Eight]) {
        precondition(x.count == stripCount && product.count == stripCount, "the vectors' lengths must be the matrix's")
        for strip in product.indices { product[strip] = .zero }
        // Safe: as in `quadraticForm`; the product's scalars are walked like those of x.
        unsafe x.withUnsafeBytes { scalars in
            unsafe product.withUnsafeMutableBytes { sums in
                unsafe rows.withUnsafeBufferPointer { rows in
                    var start = 0
                    for strip in 0..<stripCount {
                        let across = x[strip]
                        var down = Eight.zero
                        for index in 0..<8 {
                            let value = unsafe scalars.load(fromByteOffset: 64 * strip + 8 * index, as: Double.self)
                            unsafe down += value * rows[start + index]
                        }
                        let count = 8 * (stripCount - strip)
                        var index = start &+ 8
                        var place = 64 &* strip &+ 64
                        while index < start &+ count {
                            let row = unsafe rows[index]
                            down += unsafe scalars.load(fromByteOffset: place, as: Double.self) * row
                            let sum = unsafe sums.load(fromByteOffset: place, as: Double.self)
                            unsafe sums.storeBytes(of: sum + Self.sum(across * row), toByteOffset: place, as: Double.self)
                            index &+= 1
                            place &+= 8
                        }
                        let sum = unsafe sums.load(fromByteOffset: 64 * strip, as: Eight.self)
                        unsafe sums.storeBytes(of: sum + down, toByteOffset: 64 * strip, as: Eight.self)
                        start += count
                    }
                }
            }
        }
    }

    /// Subtracts `weight * v v'`. O(n^2 / 2).
    /// - Precondition: `v` has `stripCount` elements.
    mutating func subtractOuterProduct(of v: [Eight], weight: Double) {
        precondition(v.count == stripCount, "the vector's length must be the matrix's")
        // Safe: as in `quadraticForm`.
        unsafe v.withUnsafeBytes { scalars in
            unsafe rows.withUnsafeMutableBufferPointer { rows in
                var start = 0
                for strip in 0..<stripCount {
                    let across = weight * v[strip]
                    let count = 8 * (stripCount - strip)
                    var place = 64 &* strip
                    for index in start..<start + count {
                        unsafe rows[index] -= scalars.load(fromByteOffset: place, as: Double.self) * across
                        place &+= 8
                    }
                    start += count
                }
            }
        }
    }

    /// The sum of eight numbers, by halves.
    @inline(__always)
    static func sum(_ values: Eight) -> Double {
        let four = values.lowHalf + values.highHalf
        let two = four.lowHalf + four.highHalf
        return two[0] + two[1]
    }
}
