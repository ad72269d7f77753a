import HaggleCore

/// What the posterior's regression is on: the three forms of `posterior` and `centred`, as the vectors that their sums are kept of.
///
/// - `disjoint`: one regression of the reward on phi(x) per arm.
/// - `shared`: one regression on psi(a) (x) phi(x) for all arms. Because psi is one vector per arm, `sum z z' = sum over arms of psi psi' (x) G_a`:
///   the sums stay those of `disjoint`, and the joint matrix is put together by whoever solves. So arms come and go, and the form of the posterior
///   changes, without a row folded anew.
/// - `shared` and `centred`: one regression on `[(psi(a) - sum_b p_b psi(b)) (x) phi(x) ; phi(x)]`, p the row's own propensities (action-centred
///   bandits: Greenewald, Tewari, Murphy & Klasnja 2017). Given the context the first part has mean 0 whatever else moves the reward at that time, so
///   what all arms share (a busy Friday) is kept out of what they differ by, also where the allocation changed with it. One block of
///   sums, because a row's regressor depends on its propensities.
struct PosteriorDesign: Hashable, Sendable {
    /// Nil for `disjoint`.
    let kernel: ArmKernel?
    let isCentred: Bool

    static let disjoint = PosteriorDesign(kernel: nil, isCentred: false)

    private init(kernel: ArmKernel?, isCentred: Bool) {
        self.kernel = kernel
        self.isCentred = isCentred
    }

    init(_ configuration: PolicyConfiguration, depths: [Double?]) {
        let isShared = configuration.posterior == .shared
        self.init(kernel: isShared ? ArmKernel(depths: depths) : nil, isCentred: isShared && configuration.isCentred)
    }

    init(_ configuration: PolicyConfiguration, arms: [Arm]) { self.init(configuration, depths: arms.map(\.discount)) }

    /// How many blocks of sums the posterior has.
    func blockCount(armCount: Int) -> Int { isCentred ? 1 : armCount }

    /// The length of a block's regressor, for phi of this length.
    func dimension(ofPhi length: Int) -> Int { isCentred ? ((kernel?.rank ?? 0) + 1) * length : length }

    /// The prior.
    func prior(phiLength: Int, armCount: Int, ridge: Double, period: Int? = nil) -> LinearPosterior {
        let sums = RegressionSums(dimension: dimension(ofPhi: phiLength))
        return LinearPosterior(
            ridge: ridge, arms: [RegressionSums](repeating: sums, count: blockCount(armCount: armCount)), period: period)
    }

    /// The regressor of one impression and the block that it belongs to; nil where the design needs propensities that are not there.
    /// - Parameter propensities: of every arm of the experiment, 0 for those that were not eligible.
    func regressor(_ phi: [Double], arm: Int, propensities: [Double]?) -> (vector: [Double], block: Int)? {
        guard isCentred, let kernel else { return (phi, arm) }
        guard let propensities, propensities.count == kernel.rows.count else { return nil }
        var psi = kernel.rows[arm]
        for (other, share) in propensities.enumerated() where share > 0 {
            for column in psi.indices { psi[column] -= share * kernel.rows[other][column] }
        }
        return (Self.product(psi, phi) + phi, 0)
    }

    /// The factor that an impression changes and the vector that it does so by.
    func factorUpdate(_ phi: [Double], arm: Int, regressor: (vector: [Double], block: Int)) -> (vector: [Double], index: Int) {
        guard let kernel, !isCentred else { return (regressor.vector, regressor.block) }
        return (Self.product(kernel.rows[arm], phi), 0)
    }

    /// psi (x) phi.
    private static func product(_ psi: [Double], _ phi: [Double]) -> [Double] {
        var result: [Double] = []
        result.reserveCapacity((psi.count + 1) * phi.count)
        for weight in psi { for value in phi { result.append(weight * value) } }
        return result
    }
}
