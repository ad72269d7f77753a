import HaggleCore
import HaggleMath

/// What a posterior over arms and contexts together says: means and the covariance of the arms' scores.
///
/// With z(x, a) = psi(a) (x) phi(x), over standardised rewards, prior precision lambda and prior mean 0 (Krause & Ong 2011, contextual Gaussian
/// processes with a product kernel, in the weight space of Rasmussen & Williams 2006, section 2.1):
///
///     A = lambda I + sum omega z z'    beta = A^-1 b    m_a = z_a' beta    V_ab = v^2 z_a' A^-1 z_b
///
/// v^2 is given, or the plug-in of `LinearPosterior` over the rows of all arms. A pure function of the sums.
package struct JointPosterior: Sendable {
    /// Length of phi.
    let width: Int
    /// psi of every arm.
    let rows: [[Double]]
    /// v^2.
    let noiseVariance: Double
    /// The share of each arm's mean that is its own, arm by arm, `width` each.
    let coefficients: [Double]
    /// What all arms have in common at phi, where the design keeps it apart (`centred`); else empty.
    let baseline: [Double]
    /// Coefficients in the order of A.
    private let beta: [Double]
    private let gram: SymmetricMatrix
    private let moment: [Double]
    private let ridge: Double
    private let weight: Double
    /// `L^-1` of A, packed by columns.
    private let inverseFactor: [Double]

    /// O(K (m d)^2 + (m d)^3 / 2) for psi of length m and phi of length d.
    /// - Parameter factor: of A, where it is kept up to date elsewhere; nil computes it.
    /// - Precondition: the design has a kernel.
    init(of posterior: LinearPosterior, design: PosteriorDesign, phiLength: Int, factor: Cholesky? = nil, variance: Double?) {
        guard let kernel = design.kernel else { preconditionFailure("a joint posterior needs a kernel over arms") }
        let scale = posterior.rewardScale
        width = phiLength
        rows = kernel.rows
        ridge = posterior.ridge
        let gram = Self.gram(of: posterior, design: design, kernel: kernel)
        let moment =
            design.isCentred
            ? posterior.arms[0].standardisedMoment(scale)
            : ArmKernel.assembledMoment(of: posterior.arms, rows: kernel.rows, scale: scale)
        let factor = factor ?? Cholesky(of: gram, ridge: posterior.ridge)
        let beta = factor.solve(moment)
        var squares = 0.0
        var weight = 0.0
        for arm in posterior.arms {
            squares += arm.standardisedSquares(scale)
            weight += arm.weight
        }
        var explained = 0.0
        for index in moment.indices { explained += moment[index] * beta[index] }
        noiseVariance = variance ?? LinearPosterior.noiseVariance(residual: squares - explained, weight: weight)
        let length = phiLength
        coefficients = kernel.rows.flatMap { psi in
            (0..<length).map { column in
                var sum = 0.0
                for j in psi.indices { sum += psi[j] * beta[j * length + column] }
                return sum
            }
        }
        baseline = design.isCentred ? Array(beta[(kernel.rank * length)...]) : []
        inverseFactor = factor.inverseFactor()
        self.beta = beta
        self.gram = gram
        self.moment = moment
        self.weight = weight
    }

    static func gram(of posterior: LinearPosterior, design: PosteriorDesign, kernel: ArmKernel) -> SymmetricMatrix {
        design.isCentred ? posterior.arms[0].gram : ArmKernel.assembledGram(of: posterior.arms, rows: kernel.rows)
    }

    /// How far the solution misses the normal equations A beta = b, in standard deviations of the reward per impression: 0 to rounding; a gap
    /// is a matrix that could not be solved.
    var calibrationGap: Double {
        var fitted = gram.multiplied(by: beta)
        var gap = 0.0
        for index in fitted.indices {
            fitted[index] += ridge * beta[index]
            // Only sums over the rewards themselves have the unit of a reward per impression: columns of phi's final 1.
            if index % width == width - 1 { gap = max(gap, abs(fitted[index] - moment[index])) }
        }
        return gap / max(1, weight)
    }

    var isFinite: Bool { beta.allSatisfy(\.isFinite) && noiseVariance.isFinite }

    /// The scores' means at the phi in the workspace, one per eligible arm.
    func means(of eligible: [Int], workspace: inout ChoiceWorkspace) {
        ChoiceWorkspace.resize(&workspace.means, to: eligible.count)
        // What all arms have in common leaves every comparison as it is, but not the expected reward. The rows' own means over the arms are not
        // stored: with an even share of each the deviations sum to 0.
        var common = 0.0
        if !baseline.isEmpty {
            for index in 0..<width { common += baseline[index] * workspace.phi[index] }
            var total = 0.0
            for arm in rows.indices { total += own(arm, workspace.phi) }
            common -= total / Double(rows.count)
        }
        for (position, arm) in eligible.enumerated() { workspace.means[position] = common + own(arm, workspace.phi) }
    }

    private func own(_ arm: Int, _ phi: [Double]) -> Double {
        var sum = 0.0
        let start = arm * width
        for index in 0..<width { sum += coefficients[start + index] * phi[index] }
        return sum
    }

    /// The covariance of the scores at the phi in the workspace, row by row, and their standard deviations. O((m d)^2 / 2 + m^2 (m d)).
    ///
    /// As products of rows of `L^-1 (psi (x) phi)`, so it is positive semidefinite whatever the rounding.
    func covariance(of eligible: [Int], workspace: inout ChoiceWorkspace) {
        let (rank, width) = (rows[0].count, width)
        let total = beta.count
        let noise = noiseVariance.squareRoot()
        // U: one row of length `total` per column of psi, L^-1 (e_j (x) phi); zero before its block.
        ChoiceWorkspace.resize(&workspace.product, to: rank * total)
        // Safe: column c of the packed factor has total - c elements, and row j of the product `total` of them.
        unsafe workspace.product.withUnsafeMutableBufferPointer { product in
            unsafe inverseFactor.withUnsafeBufferPointer { factor in
                unsafe workspace.phi.withUnsafeBufferPointer { phi in
                    for j in 0..<rank {
                        for index in 0..<total { unsafe product[j * total + index] = 0 }
                        for i in 0..<width {
                            let column = j * width + i
                            let x = unsafe phi[i]
                            guard x != 0 else { continue }
                            guard let line = factor.baseAddress, let target = product.baseAddress else { return }
                            // Bases and not indices: a sum of indices is checked for overflow, and that keeps the loop scalar.
                            let source = unsafe line + SymmetricMatrix.offset(column: column, dimension: total)
                            let sink = unsafe target + (j * total + column)
                            for index in 0..<(total - column) { unsafe sink[index] += x * source[index] }
                        }
                    }
                }
            }
        }
        // R: psi of the eligible arms times U.
        let count = eligible.count
        ChoiceWorkspace.resize(&workspace.roots, to: count * total)
        unsafe workspace.roots.withUnsafeMutableBufferPointer { roots in
            unsafe workspace.product.withUnsafeBufferPointer { product in
                for (position, arm) in eligible.enumerated() {
                    for index in 0..<total { unsafe roots[position * total + index] = 0 }
                    for j in 0..<rank {
                        let weight = rows[arm][j] * noise
                        guard weight != 0 else { continue }
                        for index in (j * width)..<total {
                            unsafe roots[position * total + index] += weight * product[j * total + index]
                        }
                    }
                }
            }
        }
        ChoiceWorkspace.resize(&workspace.covariance, to: count * count)
        ChoiceWorkspace.resize(&workspace.deviations, to: count)
        unsafe workspace.roots.withUnsafeBufferPointer { roots in
            for a in 0..<count {
                for b in 0...a {
                    var sum = SIMD4<Double>.zero
                    var index = 0
                    while index + 4 <= total {
                        let left = unsafe SIMD4(
                            roots[a * total + index], roots[a * total + index + 1], roots[a * total + index + 2],
                            roots[a * total + index + 3])
                        let right = unsafe SIMD4(
                            roots[b * total + index], roots[b * total + index + 1], roots[b * total + index + 2],
                            roots[b * total + index + 3])
                        sum += left * right
                        index += 4
                    }
                    var value = (sum[0] + sum[1]) + (sum[2] + sum[3])
                    while index < total {
                        unsafe value += roots[a * total + index] * roots[b * total + index]
                        index += 1
                    }
                    workspace.covariance[a * count + b] = value
                    workspace.covariance[b * count + a] = value
                }
                workspace.deviations[a] = workspace.covariance[a * count + a].squareRoot()
            }
        }
    }
}
