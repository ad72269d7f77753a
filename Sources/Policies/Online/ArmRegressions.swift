import HaggleMath

/// One ridge regression per arm on the same features, made for a stream: means and standard deviations of all arms for a row, then one
/// update of the arm that was played.
///
///     P_a = (lambda I + sum phi phi')^-1    theta_a = P_a sum phi r    m_a = theta_a' phi    sd_a = v sqrt(phi' P_a phi)
///
/// v^2 is the mean squared residual of all arms, to which the spread of the rewards counts as one more row. P is kept itself (not a factor)
/// and updated by Sherman & Morrison (1950); so is the least penalised sum of squares, by `e^2 / (1 + phi' P phi)` with e the error of the
/// prediction. Rounding is undone whenever the posterior is accumulated afresh, which `rebuild` does from the rows themselves.
package struct ArmRegressions {
    private typealias Eight = SymmetricStrips.Eight

    /// Length of phi.
    package let dimension: Int
    package let armCount: Int
    /// lambda.
    package let ridge: Double
    /// P of each arm.
    private var inverses: [SymmetricStrips]
    /// theta of each arm, one after the other, each padded to whole vectors.
    private var coefficients: [Eight]
    /// `min over theta of sum (r - theta' phi)^2 + lambda |theta|^2` of each arm.
    private var residuals: [Double]
    /// Rows learned from, by arm.
    package private(set) var counts: [Double]
    /// The row last scored, padded; `P phi` of the arm last played.
    private var features: [Eight]
    private var product: [Eight]
    /// `theta_a' phi` of the row last scored, by arm.
    package private(set) var means: [Double]
    /// `phi' P_a phi`.
    package private(set) var leverages: [Double]

    /// The prior: theta 0 with covariance I / lambda.
    package init(dimension: Int, armCount: Int, ridge: Double) {
        self.dimension = dimension
        self.armCount = armCount
        self.ridge = ridge
        inverses = [SymmetricStrips](repeating: SymmetricStrips(diagonal: 1 / ridge, size: dimension), count: armCount)
        let stripCount = SymmetricStrips.stripCount(dimension)
        coefficients = [Eight](repeating: .zero, count: armCount * stripCount)
        features = [Eight](repeating: .zero, count: stripCount)
        product = features
        residuals = [Double](repeating: 0, count: armCount)
        counts = residuals
        means = residuals
        leverages = residuals
    }

    /// v^2, in squared units of the reward.
    /// - Parameter spread: the variance of the rewards.
    package func noise(spread: Double) -> Double {
        var (sum, count) = (spread, 1.0)
        for arm in 0..<armCount {
            sum += residuals[arm]
            count += counts[arm]
        }
        return sum / count
    }

    /// Scores a row: fills `means` and `leverages`. O(K d^2 / 2).
    package mutating func score(_ phi: [Double]) {
        precondition(phi.count == dimension, "a row has as many features as the regressions")
        // Safe: `dimension` numbers go into vectors that hold at least as many; the rest stays 0.
        unsafe features.withUnsafeMutableBytes { bytes in
            for index in 0..<dimension { unsafe bytes.storeBytes(of: phi[index], toByteOffset: 8 * index, as: Double.self) }
        }
        let stripCount = features.count
        for arm in 0..<armCount {
            var mean = Eight.zero
            for strip in 0..<stripCount { mean += coefficients[arm * stripCount + strip] * features[strip] }
            means[arm] = SymmetricStrips.sum(mean)
            leverages[arm] = max(0, inverses[arm].quadraticForm(features))
        }
    }

    /// Learns from the row last scored. O(d^2).
    package mutating func learn(arm: Int, reward: Double) {
        let error = reward - means[arm]
        let divisor = 1 / (1 + leverages[arm])
        inverses[arm].multiply(features, into: &product)
        inverses[arm].subtractOuterProduct(of: product, weight: divisor)
        let start = arm * product.count
        for strip in product.indices { coefficients[start + strip] += (error * divisor) * product[strip] }
        residuals[arm] += error * error * divisor
        counts[arm] += 1
    }

    /// Accumulates everything afresh.
    /// - Parameters:
    ///   - rows: of each arm, its rows' features, row-major.
    ///   - rewards: of each arm, one per row.
    package mutating func rebuild(rows: [[Double]], rewards: [[Double]]) {
        let size = dimension
        let stripCount = features.count
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
            inverses[arm] = SymmetricStrips(inverse)
            var explained = 0.0
            for row in 0..<size {
                var coefficient = 0.0
                for column in 0..<size { coefficient += inverse[row, column] * moment[column] }
                coefficients[arm * stripCount + row / 8][row % 8] = coefficient
                explained += coefficient * moment[row]
            }
            residuals[arm] = max(0, targets.reduce(0) { $0 + $1 * $1 } - explained)
            counts[arm] = Double(count)
        }
    }
}
