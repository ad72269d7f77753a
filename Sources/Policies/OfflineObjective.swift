import HaggleCore
import HaggleMath

/// The estimated value of softmax-linear policies over a log, with its gradient: what `ipw` and `dr` maximise.
///
/// pi(a|x) is proportional to `exp(theta_a' phi(x))` over the arms that are eligible and have rows. With p_i the logged propensity and
/// rewards in standardised units,
///
///     ipw:  J = sum_i w_i r_i / sum_i w_i,  w_i = pi(a_i|x_i) / p_i
///     dr:   J = 1/n sum_i sum_a pi(a|x_i) s_i(a),  s_i(a) = q(x_i, a) + 1{a = a_i} (r_i - q(x_i, a_i)) / p_i
///
/// The objective to minimise is `-J + lambda / (2 n) |theta|^2`.
struct OfflineObjective {
    private enum Value {
        /// 1 / p of every row.
        case selfNormalised([Double])
        /// s of every row and arm, row-major.
        case doublyRobust([Double])
    }

    private let scores: SoftmaxScores
    private let value: Value
    /// lambda / n.
    private let penalty: Double
    /// Standardised.
    private let rewards: [Double]

    /// Length of theta.
    var parameterCount: Int { scores.parameterCount }

    /// theta, arm by arm, each with the intercept last.
    func blocks(of theta: [Double]) -> [[Double]] { scores.blocks(of: theta) }

    /// - Parameters:
    ///   - rows: with interactions of propensities above 0.
    ///   - interactions: the rows' interactions, in the rows' order.
    ///   - isSupported: whether an arm has rows.
    ///   - estimates: q of every row and arm, row-major, in the unit of the reward; nil for `ipw`.
    init(
        _ rows: EncodedRows, _ interactions: [Interaction], isSupported: [Bool], estimates: [Double]?, ridge: Double
    ) {
        scores = SoftmaxScores(rows, interactions, isSupported: isSupported)
        let armCount = isSupported.count
        penalty = ridge / Double(max(1, rows.count))
        let scale = rows.rewardScale
        rewards = rows.rewards.map { ($0 - scale.centre) / scale.scale }
        let inverse = interactions.map { 1 / ($0.propensity ?? 1) }
        if let estimates {
            var terms = estimates.map { ($0 - scale.centre) / scale.scale }
            for row in rows.arms.indices {
                let place = row * armCount + rows.arms[row]
                terms[place] += inverse[row] * (rewards[row] - terms[place])
            }
            value = .doublyRobust(terms)
        } else {
            value = .selfNormalised(inverse)
        }
    }

    /// The objective and its gradient. O(n K d).
    func callAsFunction(_ theta: [Double], _ gradient: inout [Double]) -> Double {
        var pass = Pass(armCount: scores.armCount, parameterCount: parameterCount)
        switch value {
        case .doublyRobust(let terms):
            for row in rewards.indices { add(row, terms, theta, to: &pass) }
            pass.weights += Double(rewards.count)
        case .selfNormalised(let inverse):
            for row in rewards.indices { add(row, inverse[row], theta, to: &pass) }
            // A policy that gives no probability to any logged arm has no estimate; its value counts as that of a very bad one.
            guard pass.weights.value > 0 else { return .infinity }
            let mean = pass.weighted.value / pass.weights.value
            for index in theta.indices { pass.rewardGradient[index] -= mean * pass.weightGradient[index] }
        }
        let total = pass.weights.value
        var squares = 0.0
        for index in theta.indices {
            gradient[index] = penalty * theta[index] - pass.rewardGradient[index] / total
            squares += theta[index] * theta[index]
        }
        return 0.5 * penalty * squares - pass.weighted.value / total
    }

    /// A row of the doubly robust sum: its derivative by an arm's score is `pi(a) (s(a) - sum pi s)`.
    private func add(_ row: Int, _ terms: [Double], _ theta: [Double], to pass: inout Pass) {
        let start = row * scores.armCount
        scores.probabilities(row: row, theta, into: &pass.probabilities)
        var mean = 0.0
        for arm in pass.probabilities.indices { mean += pass.probabilities[arm] * terms[start + arm] }
        pass.weighted += mean
        for arm in pass.probabilities.indices { pass.factors[arm] = pass.probabilities[arm] * (terms[start + arm] - mean) }
        scores.add(row: row, pass.factors, to: &pass.rewardGradient)
    }

    /// A row of the self-normalised sums: the weight's derivative by an arm's score is `w (1{a = a_i} - pi(a))`.
    private func add(_ row: Int, _ inverse: Double, _ theta: [Double], to pass: inout Pass) {
        scores.probabilities(row: row, theta, into: &pass.probabilities)
        let chosen = scores.rows.arms[row]
        let weight = pass.probabilities[chosen] * inverse
        pass.weights += weight
        pass.weighted += weight * rewards[row]
        for arm in pass.probabilities.indices { pass.factors[arm] = weight * ((arm == chosen ? 1 : 0) - pass.probabilities[arm]) }
        scores.add(row: row, pass.factors, to: &pass.weightGradient)
        for arm in pass.factors.indices { pass.factors[arm] *= rewards[row] }
        scores.add(row: row, pass.factors, to: &pass.rewardGradient)
    }

    /// What one pass over the rows adds up, with room for one row.
    private struct Pass {
        var probabilities: [Double]
        var factors: [Double]
        var weighted = CompensatedSum()
        var weights = CompensatedSum()
        var rewardGradient: [Double]
        var weightGradient: [Double]

        init(armCount: Int, parameterCount: Int) {
            probabilities = [Double](repeating: 0, count: armCount)
            factors = probabilities
            rewardGradient = [Double](repeating: 0, count: parameterCount)
            weightGradient = rewardGradient
        }
    }
}
