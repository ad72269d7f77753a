import HaggleMath

extension ExplorationRule {
    /// Writes one share per score in the workspace; they sum to 1. Shares depend on differences of means only.
    func share(best: BestArm, workspace: inout ChoiceWorkspace) {
        let count = workspace.means.count
        ChoiceWorkspace.resize(&workspace.shares, to: count)
        switch self {
        case .given, .even, .imitation, .bestBeta: preconditionFailure("a rule without scores has no shares of them")
        case .greedy(let epsilon):
            Self.leaders(workspace.means, into: &workspace.shares)
            for index in 0..<count { workspace.shares[index] = (1 - epsilon) * workspace.shares[index] + epsilon / Double(count) }
        case .softmax(let temperature): Self.softmax(workspace.means, temperature, into: &workspace.shares)
        case .inverseGap(let gamma): Self.inverseGap(workspace.means, gamma ?? 1, into: &workspace.shares)
        case .thompson: best(&workspace)
        case .topTwo(let beta):
            best(&workspace)
            Self.topTwo(beta, best, &workspace)
        case .upperBound(let alpha):
            ChoiceWorkspace.resize(&workspace.others, to: count)
            for index in 0..<count { workspace.others[index] = workspace.means[index] + alpha * workspace.deviations[index] }
            Self.leaders(workspace.others, into: &workspace.shares)
        }
    }

    /// 1 shared equally by the largest scores.
    private static func leaders(_ scores: [Double], into shares: inout [Double]) {
        var top = -Double.infinity
        for score in scores { top = max(top, score) }
        var count = 0.0
        for score in scores where score == top { count += 1 }
        for index in scores.indices { shares[index] = scores[index] == top ? 1 / count : 0 }
    }

    /// exp((m - largest m) / temperature), normalised: the largest exponent is 0, so nothing overflows. A temperature of 0 is greedy.
    private static func softmax(_ means: [Double], _ temperature: Double, into shares: inout [Double]) {
        guard temperature > 0 else { return leaders(means, into: &shares) }
        var top = -Double.infinity
        for mean in means { top = max(top, mean) }
        var total = 0.0
        for index in means.indices {
            // A difference of 0 stays 0 whatever the temperature, also one that overflows the quotient.
            let difference = means[index] - top
            shares[index] = difference == 0 ? 1 : ElementaryFunctions.exp(difference / temperature)
            total += shares[index]
        }
        for index in means.indices { shares[index] /= total }
    }

    /// 1 / (K + gamma (m_best - m_a)) for arms below the best, the rest shared equally by the best arms (Foster & Rakhlin 2020).
    private static func inverseGap(_ means: [Double], _ gamma: Double, into shares: inout [Double]) {
        var top = -Double.infinity
        for mean in means { top = max(top, mean) }
        var (rest, bestCount) = (1.0, 0.0)
        for index in means.indices {
            if means[index] == top {
                bestCount += 1
            } else {
                shares[index] = 1 / (Double(means.count) + max(0, gamma) * (top - means[index]))
                rest -= shares[index]
            }
        }
        for index in means.indices where means[index] == top { shares[index] = rest / bestCount }
    }

    /// p_a [beta + (1 - beta) sum_{b != a} p_b / (1 - p_b)] from the p in `shares` (Russo 2020, top-two Thompson sampling).
    ///
    /// Where one arm is the best for certain (1 - p_b below what the integration resolves) the quotients p_a / (1 - p_b) are noise; then P(a is
    /// best of the arms but b) takes their place, which is what drawing again until another arm comes tends to.
    private static func topTwo(_ beta: Double, _ best: BestArm, _ workspace: inout ChoiceWorkspace) {
        let count = workspace.shares.count
        guard count > 1 else { return }
        var leader = 0
        for index in 0..<count where workspace.shares[index] > workspace.shares[leader] { leader = index }
        var rest = 0.0
        for index in 0..<count where index != leader { rest += workspace.shares[index] }
        if rest < leastRest {
            best.withoutOne(leader, &workspace)
            for index in workspace.shares.indices { workspace.shares[index] *= 1 - beta }
            workspace.shares.insert(beta, at: leader)
            return
        }
        ChoiceWorkspace.resize(&workspace.others, to: count)
        for index in 0..<count {
            // The sum of the others, because 1 - p loses the digits of a p near 1.
            var others = 0.0
            for other in 0..<count where other != index { others += workspace.shares[other] }
            workspace.others[index] = others > 0 ? workspace.shares[index] / others : 0
        }
        for index in 0..<count {
            var sum = 0.0
            for other in 0..<count where other != index { sum += workspace.others[other] }
            workspace.shares[index] *= beta + (1 - beta) * sum
        }
    }

    /// Ten times the error of P(best).
    private static let leastRest = 1e-8
}
