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

    private let rows: EncodedRows
    private let armCount: Int
    /// Whether an arm may be chosen in a row, row-major; nil where every arm may in every row.
    private let isAllowed: [Bool]?
    private let value: Value
    /// lambda / n.
    private let penalty: Double
    /// Standardised.
    private let rewards: [Double]
    private let dimension: Int

    /// theta has one block of `dimension` coefficients per arm.
    var parameterCount: Int { armCount * dimension }

    /// - Parameters:
    ///   - rows: with interactions of propensities above 0.
    ///   - interactions: the rows' interactions, in the rows' order.
    ///   - isSupported: whether an arm has rows.
    ///   - estimates: q of every row and arm, row-major, in the unit of the reward; nil for `ipw`.
    init(
        _ rows: EncodedRows, _ interactions: [Interaction], isSupported: [Bool], estimates: [Double]?, ridge: Double
    ) {
        self.rows = rows
        let armCount = isSupported.count
        self.armCount = armCount
        dimension = rows.width + 1
        penalty = ridge / Double(max(1, rows.count))
        let scale = rows.rewardScale
        rewards = rows.rewards.map { ($0 - scale.centre) / scale.scale }
        let inverse = interactions.map { 1 / ($0.propensity ?? 1) }
        if let estimates {
            var scores = estimates.map { ($0 - scale.centre) / scale.scale }
            for row in rows.arms.indices {
                let place = row * armCount + rows.arms[row]
                scores[place] += inverse[row] * (rewards[row] - scores[place])
            }
            value = .doublyRobust(scores)
        } else {
            value = .selfNormalised(inverse)
        }
        if isSupported.contains(false) || interactions.contains(where: { $0.eligible != nil }) {
            var isAllowed = [Bool](repeating: false, count: rows.count * armCount)
            for (row, interaction) in interactions.enumerated() {
                for arm in interaction.eligible ?? Array(0..<armCount) where isSupported[arm] { isAllowed[row * armCount + arm] = true }
            }
            self.isAllowed = isAllowed
        } else {
            isAllowed = nil
        }
    }

    /// The objective and its gradient. O(n K d).
    func callAsFunction(_ theta: [Double], _ gradient: inout [Double]) -> Double {
        var pass = Pass(armCount: armCount, parameterCount: parameterCount)
        var weighted = CompensatedSum()
        var weights = CompensatedSum()
        switch value {
        case .doublyRobust(let scores):
            for row in 0..<rows.count {
                softmax(row, theta, &pass.probabilities)
                var mean = 0.0
                for arm in 0..<armCount { mean += pass.probabilities[arm] * scores[row * armCount + arm] }
                weighted += mean
                for arm in 0..<armCount { pass.factors[arm] = pass.probabilities[arm] * (scores[row * armCount + arm] - mean) }
                addRow(row, pass.factors, to: &pass.rewardGradient)
            }
            return finish(theta, &gradient, pass, value: weighted.value / Double(rows.count), total: Double(rows.count))
        case .selfNormalised(let inverse):
            for row in 0..<rows.count {
                softmax(row, theta, &pass.probabilities)
                let chosen = rows.arms[row]
                let weight = pass.probabilities[chosen] * inverse[row]
                weights += weight
                weighted += weight * rewards[row]
                for arm in 0..<armCount { pass.factors[arm] = weight * ((arm == chosen ? 1 : 0) - pass.probabilities[arm]) }
                addRow(row, pass.factors, to: &pass.weightGradient)
                for arm in 0..<armCount { pass.factors[arm] *= rewards[row] }
                addRow(row, pass.factors, to: &pass.rewardGradient)
            }
            // A policy that gives no probability to any logged arm has no estimate; its value counts as that of a very bad one.
            guard weights.value > 0 else { return .infinity }
            let mean = weighted.value / weights.value
            for index in pass.rewardGradient.indices { pass.rewardGradient[index] -= mean * pass.weightGradient[index] }
            return finish(theta, &gradient, pass, value: mean, total: weights.value)
        }
    }

    private struct Pass {
        var probabilities: [Double]
        var factors: [Double]
        var rewardGradient: [Double]
        var weightGradient: [Double]

        init(armCount: Int, parameterCount: Int) {
            probabilities = [Double](repeating: 0, count: armCount)
            factors = probabilities
            rewardGradient = [Double](repeating: 0, count: parameterCount)
            weightGradient = rewardGradient
        }
    }

    private func finish(_ theta: [Double], _ gradient: inout [Double], _ pass: Pass, value: Double, total: Double) -> Double {
        var squares = 0.0
        for index in theta.indices {
            gradient[index] = penalty * theta[index] - pass.rewardGradient[index] / total
            squares += theta[index] * theta[index]
        }
        return 0.5 * penalty * squares - value
    }

    /// pi(.|x) of one row.
    private func softmax(_ row: Int, _ theta: [Double], _ probabilities: inout [Double]) {
        let (width, start) = (rows.width, row * rows.width)
        var largest = -Double.infinity
        for arm in 0..<armCount {
            guard isAllowed?[row * armCount + arm] ?? true else {
                probabilities[arm] = -.infinity
                continue
            }
            let block = arm * dimension
            var score = theta[block + width]
            for column in 0..<width { score += theta[block + column] * Double(rows.inputs[start + column]) }
            probabilities[arm] = score
            largest = max(largest, score)
        }
        var sum = 0.0
        for arm in 0..<armCount {
            probabilities[arm] = ElementaryFunctions.exp(probabilities[arm] - largest)
            sum += probabilities[arm]
        }
        for arm in 0..<armCount { probabilities[arm] /= sum }
    }

    /// Adds `factors[a] phi` to the block of every arm.
    private func addRow(_ row: Int, _ factors: [Double], to gradient: inout [Double]) {
        let (width, start) = (rows.width, row * rows.width)
        for arm in 0..<armCount where factors[arm] != 0 {
            let block = arm * dimension
            for column in 0..<width { gradient[block + column] += factors[arm] * Double(rows.inputs[start + column]) }
            gradient[block + width] += factors[arm]
        }
    }
}
