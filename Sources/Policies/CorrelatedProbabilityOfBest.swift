import HaggleMath

/// P(arm is best) where the arms' scores are jointly normal, s ~ N(m, V): what Thompson sampling from a shared posterior would draw from.
///
/// Only differences of scores matter, so V is centred first. Its pivoted Cholesky factor B gives s = m + B z, with the direction of the largest
/// variance first. That coordinate is integrated analytically: for given others every score is a line in it, the best arm is the upper
/// envelope of the lines, and each arm gets the normal mass of its stretch, so that a rare arm gets its small share and not a count of 0. The other
/// coordinates run over the 1 021 points of a Korobov lattice, a set fixed by the code alone. So the vector is a pure function of m and V: it
/// *is* the policy's distribution, whatever its distance to the integral: exact for two arms; for six, over 30 random m and V, .0016 on average
/// at the worst arm and .0042 at most. It may give an arm exactly 0; a policy on top of it needs a floor.
struct CorrelatedProbabilityOfBest: Sendable {
    private let lattice = NormalLattice.standard

    /// Writes one probability per arm into the workspace's `shares`, from its `means` and `covariance`.
    /// - Parameter chain: positions along which scores must not fall (`MonotoneProjection`); empty for none. With one every coordinate runs over the
    ///   lattice, and arms that a projection makes equal share equally.
    /// - Complexity: O(1021 K^2), and O(K^3) once.
    func callAsFunction(_ workspace: inout ChoiceWorkspace, chain: [Int] = []) {
        let count = workspace.means.count
        ChoiceWorkspace.resize(&workspace.shares, to: count)
        for index in 0..<count { workspace.shares[index] = 0 }
        let rank = factor(&workspace)
        guard rank > 0, count > 1 else {
            shareLeaders(workspace.means, weight: 1, into: &workspace.shares)
            return
        }
        ChoiceWorkspace.resize(&workspace.others, to: count)
        if chain.count > 1 {
            project(&workspace, rank: rank, chain: chain)
        } else {
            integrate(&workspace, rank: rank)
        }
        shareDuplicates(&workspace, rank: rank)
    }

    /// Pivoted Cholesky of the centred covariance into the workspace's `roots`, column by column, `count` each; returns the number of columns.
    private func factor(_ workspace: inout ChoiceWorkspace) -> Int {
        let count = workspace.means.count
        var rest = workspace.covariance
        var rowMeans = [Double](repeating: 0, count: count)
        var mean = 0.0
        for a in 0..<count {
            for b in 0..<count { rowMeans[a] += rest[a * count + b] }
            rowMeans[a] /= Double(count)
            mean += rowMeans[a] / Double(count)
        }
        for a in 0..<count { for b in 0..<count { rest[a * count + b] += mean - rowMeans[a] - rowMeans[b] } }
        var largest = 0.0
        for a in 0..<count { largest = max(largest, workspace.covariance[a * count + a]) }
        ChoiceWorkspace.resize(&workspace.roots, to: count * count)
        var rank = 0
        while rank < count - 1 {
            var pivot = 0
            // Arms that differ in nothing but rounding go by their position, so that states equal to rounding give equal distributions.
            for a in 1..<count where rest[a * count + a] > rest[pivot * count + pivot] * (1 + 1e-6) { pivot = a }
            let variance = rest[pivot * count + pivot]
            // Below what the rounding of the centring leaves.
            guard variance > 1e-13 * largest, variance > 0 else { break }
            let root = variance.squareRoot()
            let start = rank * count
            for a in 0..<count { workspace.roots[start + a] = rest[a * count + pivot] / root }
            for a in 0..<count {
                for b in 0..<count { rest[a * count + b] -= workspace.roots[start + a] * workspace.roots[start + b] }
            }
            rank += 1
        }
        return rank
    }

    private func integrate(_ workspace: inout ChoiceWorkspace, rank: Int) {
        let count = workspace.means.count
        // One coordinate is integrated; without others a single point says everything.
        let pointCount = rank > 1 ? NormalLattice.pointCount : 1
        for point in 0..<pointCount {
            for a in 0..<count { workspace.others[a] = workspace.means[a] }
            for column in 1..<max(1, rank) {
                let z = lattice[point, column - 1]
                for a in 0..<count { workspace.others[a] += workspace.roots[column * count + a] * z }
            }
            addEnvelope(&workspace, weight: 1 / Double(pointCount))
        }
    }

    /// Adds the normal mass of every arm's stretch of the upper envelope of the lines `others[a] + roots[a] t`.
    private func addEnvelope(_ workspace: inout ChoiceWorkspace, weight: Double) {
        let count = workspace.means.count
        var current = 0
        for a in 1..<count {
            let (slope, best) = (workspace.roots[a], workspace.roots[current])
            if slope < best || slope == best && workspace.others[a] > workspace.others[current] { current = a }
        }
        var start = -Double.infinity
        while true {
            var next = -1
            var crossing = Double.infinity
            for a in 0..<count where workspace.roots[a] > workspace.roots[current] {
                let t = (workspace.others[current] - workspace.others[a]) / (workspace.roots[a] - workspace.roots[current])
                if t < crossing || t == crossing && next >= 0 && workspace.roots[a] > workspace.roots[next] {
                    crossing = t
                    next = a
                }
            }
            // Rounding may put a crossing a little before the last one.
            let end = next < 0 ? Double.infinity : max(start, crossing)
            workspace.shares[current] += weight * Self.mass(start, end)
            guard next >= 0 else { return }
            (current, start) = (next, end)
        }
    }

    /// P(low < Z < high), from the nearer tail so that small masses keep their digits.
    private static func mass(_ low: Double, _ high: Double) -> Double {
        guard high > low else { return 0 }
        return low > 0
            ? NormalDistribution.cumulative(-low) - NormalDistribution.cumulative(-high)
            : NormalDistribution.cumulative(high) - NormalDistribution.cumulative(low)
    }

    private func project(_ workspace: inout ChoiceWorkspace, rank: Int, chain: [Int]) {
        let count = workspace.means.count
        var blocks: [(sum: Double, count: Int)] = []
        for point in 0..<NormalLattice.pointCount {
            for a in 0..<count { workspace.others[a] = workspace.means[a] }
            for column in 0..<rank {
                let z = lattice[point, column]
                for a in 0..<count { workspace.others[a] += workspace.roots[column * count + a] * z }
            }
            MonotoneProjection.apply(to: &workspace.others, along: chain, blocks: &blocks)
            shareLeaders(workspace.others, weight: 1 / Double(NormalLattice.pointCount), into: &workspace.shares)
        }
    }

    private func shareLeaders(_ scores: [Double], weight: Double, into shares: inout [Double]) {
        var top = -Double.infinity
        for score in scores { top = max(top, score) }
        var leaders = 0.0
        for score in scores where score == top { leaders += 1 }
        for index in scores.indices where scores[index] == top { shares[index] += weight / leaders }
    }

    /// Arms whose scores are one and the same variable share what the first of them got.
    private func shareDuplicates(_ workspace: inout ChoiceWorkspace, rank: Int) {
        let count = workspace.means.count
        var first = Array(0..<count)
        for a in 1..<count {
            search: for b in 0..<a where workspace.means[a] == workspace.means[b] {
                for column in 0..<rank where workspace.roots[column * count + a] != workspace.roots[column * count + b] { continue search }
                first[a] = first[b]
                break
            }
        }
        guard first != Array(0..<count) else { return }
        var totals = [Double](repeating: 0, count: count)
        var sizes = [Double](repeating: 0, count: count)
        for a in 0..<count {
            totals[first[a]] += workspace.shares[a]
            sizes[first[a]] += 1
        }
        for a in 0..<count { workspace.shares[a] = totals[first[a]] / sizes[first[a]] }
    }
}

/// Standard normal coordinates of a rank-one lattice (Korobov 1959): point i has `quantile((i a^j mod n + 1/2) / n)` as its coordinate j.
///
/// n = 1021, a = 223: of 60 generators tried, the one of the least weighted P2 criterion in six dimensions (Sloan & Joe 1994, chapter 4).
struct NormalLattice: Sendable {
    static let pointCount = 1021
    private static let generator = 223
    /// Enough for 65 arms; further coordinates repeat these, which costs accuracy only.
    private static let dimension = 64
    static let standard = NormalLattice()

    private let coordinates: [Double]

    private init() {
        var coordinates: [Double] = []
        coordinates.reserveCapacity(Self.pointCount * Self.dimension)
        // The lattice has one quantile per residue.
        let quantiles = (0..<Self.pointCount).map { NormalDistribution.quantile((Double($0) + 0.5) / Double(Self.pointCount)) }
        for point in 0..<Self.pointCount {
            var residue = point
            for _ in 0..<Self.dimension {
                coordinates.append(quantiles[residue])
                residue = residue * Self.generator % Self.pointCount
            }
        }
        self.coordinates = coordinates
    }

    subscript(point: Int, column: Int) -> Double { coordinates[point * Self.dimension + column % Self.dimension] }
}
