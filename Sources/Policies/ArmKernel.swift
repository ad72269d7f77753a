import HaggleCore
import HaggleMath

/// How much two arms have in common, for `posterior: shared`: one row psi(a) per arm, so that `psi(a)' psi(b)` is the prior correlation.
///
/// The rows are those of `ArmFeatures` (depth, radial basis functions at .05 steps, an indicator for an arm without a discount, a 1), scaled to
/// a mean squared length of 1, so that the prior says as much of an arm as the prior of `disjoint` does. With fewer arms than columns the
/// rows are replaced by those of the Cholesky factor of their products: the same kernel in as many columns as there are arms.
///
/// A pure function of the depths, which is all that a snapshot stores of it.
struct ArmKernel: Hashable, Sendable {
    /// The discount depth of every arm; nil for an arm without a discount.
    let depths: [Double?]
    /// psi of every arm, all of one length.
    let rows: [[Double]]

    /// - Precondition: at least one arm.
    init(depths: [Double?]) {
        self.depths = depths
        let features = ArmFeatures(depths: depths).rows
        var length = 0.0
        for row in features { for value in row { length += value * value } }
        let scale = (Double(features.count) / length).squareRoot()
        let scaled = features.map { row in row.map { $0 * scale } }
        guard scaled.count < scaled[0].count else {
            rows = scaled
            return
        }
        var products = SymmetricMatrix(dimension: scaled.count)
        for a in scaled.indices {
            for b in 0...a {
                var sum = 0.0
                for column in scaled[a].indices { sum += scaled[a][column] * scaled[b][column] }
                products[a, b] = sum
            }
        }
        // The ridge is for arms of equal depth, whose rows are equal.
        let factor = Cholesky(of: products, ridge: 1e-12)
        rows = scaled.indices.map { a in
            scaled.indices.map { b in b <= a ? factor.packed[SymmetricMatrix.offset(column: b, dimension: scaled.count) + a - b] : 0 }
        }
    }

    init(_ arms: [Arm]) { self.init(depths: arms.map(\.discount)) }

    /// Length of psi.
    var rank: Int { rows[0].count }

    /// Arms with a discount among those given, as positions in `eligible`, from the least depth to the largest.
    func deepening(_ eligible: [Int]) -> [Int] {
        eligible.indices.filter { depths[eligible[$0]] != nil }
            .sorted { ((depths[eligible[$0]] ?? 0), $0) < ((depths[eligible[$1]] ?? 0), $1) }
    }

    /// `sum over arms of psi psi' (x) G_a`, where G_a is the gram of an arm's sums.
    ///
    /// O(K (m d)^2) for m columns of psi and d of phi.
    static func assembledGram(of sums: [RegressionSums], rows: [[Double]]) -> SymmetricMatrix {
        let (width, count) = (sums[0].dimension, rows[0].count)
        var gram = SymmetricMatrix(dimension: count * width)
        for (psi, arm) in zip(rows, sums) where arm.weight > 0 {
            for j in 0..<count where psi[j] != 0 {
                for k in 0...j where psi[k] != 0 {
                    for row in 0..<width {
                        // Of the block on the diagonal only one triangle is stored.
                        for column in 0..<(j == k ? row + 1 : width) {
                            gram[j * width + row, k * width + column] += psi[j] * psi[k] * arm.gram[row, column]
                        }
                    }
                }
            }
        }
        return gram
    }

    /// `sum over arms of psi (x) b_a`, where b_a is the standardised moment of an arm's sums.
    static func assembledMoment(of sums: [RegressionSums], rows: [[Double]], scale: RewardScale) -> [Double] {
        let (width, count) = (sums[0].dimension, rows[0].count)
        var moment = [Double](repeating: 0, count: count * width)
        for (psi, arm) in zip(rows, sums) where arm.weight > 0 {
            let standardised = arm.standardisedMoment(scale)
            for j in 0..<count where psi[j] != 0 {
                for column in 0..<width { moment[j * width + column] += psi[j] * standardised[column] }
            }
        }
        return moment
    }
}
