import HaggleMath

/// One ridge regression per arm on the same features, made for a stream: means and standard deviations of all arms for a row, then one
/// update of the arm that was played.
///
///     P_a = (lambda I + sum phi phi')^-1    theta_a = P_a sum phi r    m_a = theta_a' phi    sd_a = v sqrt(phi' P_a phi)
///
/// v^2 is the mean squared residual of all arms, to which the spread of the rewards counts as one more row. P is kept whole (not a factor) and updated by Sherman & Morrison (1950): what scoring
/// computed, `P phi`, is all that the update needs. Rounding is undone whenever the posterior is accumulated afresh, which `rebuild` does
/// from the rows themselves.
struct ArmRegressions {
    let dimension: Int
    let armCount: Int
    let ridge: Double
    /// `armCount` matrices of `dimension` squared numbers, one below the other.
    private var inverses: [Double]
    private var moments: [Double]
    private var coefficients: [Double]
    /// `sum r^2` of each arm.
    private var squares: [Double]
    private(set) var counts: [Double]
    /// The row last scored, and `P_a phi` of every arm.
    private var features: [Double]
    private var products: [Double]
    private(set) var means: [Double]
    /// `phi' P_a phi`.
    private(set) var leverages: [Double]

    init(dimension: Int, armCount: Int, ridge: Double) {
        self.dimension = dimension
        self.armCount = armCount
        self.ridge = ridge
        inverses = [Double](repeating: 0, count: armCount * dimension * dimension)
        moments = [Double](repeating: 0, count: armCount * dimension)
        coefficients = moments
        squares = [Double](repeating: 0, count: armCount)
        counts = squares
        features = [Double](repeating: 0, count: dimension)
        products = moments
        means = squares
        leverages = squares
        for arm in 0..<armCount {
            for index in 0..<dimension { inverses[(arm * dimension + index) * dimension + index] = 1 / ridge }
        }
    }

    /// v^2, in squared units of the reward.
    /// - Parameter spread: the variance of the rewards.
    func noise(spread: Double) -> Double {
        var (sum, count) = (spread, 1.0)
        for arm in 0..<armCount {
            var explained = 0.0
            for index in arm * dimension..<(arm + 1) * dimension { explained += moments[index] * coefficients[index] }
            sum += max(0, squares[arm] - explained)
            count += counts[arm]
        }
        return sum / count
    }

    /// Scores a row: fills `means` and `leverages`. O(K d^2).
    mutating func score(_ phi: [Double]) {
        precondition(phi.count == dimension, "a row has as many features as the regressions")
        features = phi
        var products: [Double] = []
        swap(&products, &self.products)
        defer { swap(&products, &self.products) }
        var span = products.mutableSpan
        BLAS.multiply(
            inverses.span, .asStored, phi.span, .asStored, rows: armCount * dimension, inner: dimension, columns: 1, into: &span)
        for arm in 0..<armCount {
            let start = arm * dimension
            var (mean, leverage) = (0.0, 0.0)
            for index in 0..<dimension {
                mean += coefficients[start + index] * phi[index]
                leverage += products[start + index] * phi[index]
            }
            means[arm] = mean
            leverages[arm] = max(0, leverage)
        }
    }

    /// Learns from the row last scored. O(d^2).
    mutating func learn(arm: Int, reward: Double) {
        let (start, size) = (arm * dimension, dimension)
        let residual = reward - means[arm]
        let divisor = 1 / (1 + leverages[arm])
        // Every index is inside an array whose size `init` fixed.
        unsafe inverses.withUnsafeMutableBufferPointer { inverses in
            unsafe products.withUnsafeBufferPointer { products in
                for row in 0..<size {
                    let factor = unsafe products[start + row] * divisor
                    let line = (start + row) * size
                    for column in 0..<size { unsafe inverses[line + column] -= factor * products[start + column] }
                }
            }
        }
        for index in 0..<size {
            coefficients[start + index] += residual * divisor * products[start + index]
            moments[start + index] += reward * features[index]
        }
        squares[arm] += reward * reward
        counts[arm] += 1
    }

    /// Accumulates everything afresh.
    /// - Parameters:
    ///   - rows: of each arm, its rows' features, row-major.
    ///   - rewards: of each arm, one per row.
    mutating func rebuild(rows: [[Double]], rewards: [[Double]]) {
        let size = dimension
        for arm in 0..<armCount {
            let count = rewards[arm].count
            let features = rows[arm]
            var gram = Matrix<Double>(rowCount: size, columnCount: size)
            BLAS.addGram(of: features.span, rowCount: count, to: &gram)
            var identity = Matrix<Double>(rowCount: size, columnCount: size)
            for index in 0..<size {
                gram[index, index] += ridge
                identity[index, index] = 1
            }
            let targets = rewards[arm]
            var moment = [Double](repeating: 0, count: size)
            var span = moment.mutableSpan
            BLAS.multiply(targets.span, .asStored, features.span, .asStored, rows: 1, inner: count, columns: size, into: &span)
            guard let inverse = BLAS.solve(positiveDefinite: gram, identity) else { continue }
            let start = arm * size
            for row in 0..<size {
                var coefficient = 0.0
                for column in 0..<size {
                    let value = inverse[row, column]
                    inverses[(start + row) * size + column] = value
                    coefficient += value * moment[column]
                }
                coefficients[start + row] = coefficient
                moments[start + row] = moment[row]
            }
            squares[arm] = targets.reduce(0) { $0 + $1 * $1 }
            counts[arm] = Double(count)
        }
    }
}
