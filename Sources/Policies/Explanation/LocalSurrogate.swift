package import HaggleCore
import HaggleMath

/// LIME (Ribeiro, Singh & Guestrin 2016): a linear function of which features keep their value, fitted around a context.
///
/// Each sample keeps every feature with probability 1/2 and takes the others from a background context; its weight falls with the number c
/// of features that changed, `exp(-c / (0.75^2 M))`. A second view beside the Shapley values: it weighs the neighbourhood where they weigh
/// all coalitions alike, so where the two disagree, features interact. Its coefficients need not sum to anything.
package struct LocalSurrogate: Hashable, Sendable, Codable {
    package let features: [String]
    /// One row per output: what keeping the feature's value adds, in the output's unit; 0 for features that do not vary.
    package let weights: [[Double]]
    /// Share of the weighted variance of the samples that the linear function explains, one per output, in 0...1; 1 where there is none.
    package let fidelity: [Double]

    /// O(sampleCount * (evaluation + M^2)).
    /// - Precondition: the background is not empty.
    package init(
        of function: ContextFunction, at context: Context, features: [String], background: [Context], sampleCount: Int = 1000,
        seed: UInt64 = 1
    ) {
        precondition(!background.isEmpty, "a neighbourhood is made with a background of contexts")
        let players = features.indices.filter { index in background.contains { $0[features[index]] != context[features[index]] } }
        let count = players.count
        let outputs = function.outputCount
        let centre = function(context)
        var generator = SeededGenerator(seed: seed)
        var gram = SymmetricMatrix(dimension: count + 1)
        var moments = [[Double]](repeating: [Double](repeating: 0, count: count + 1), count: outputs)
        var total = 0.0
        var sums = [Double](repeating: 0, count: outputs)
        var squares = sums
        for sample in 0..<(count == 0 ? 0 : max(sampleCount, 4 * count)) {
            var row = [Double](repeating: 1, count: count + 1)
            var mixed = context
            let other = background[Int(generator.uniform() * Double(background.count))]
            var changes = 0.0
            // The first sample is the context itself.
            for (position, player) in players.enumerated() where sample > 0 && generator.uniform() < 0.5 {
                row[position] = 0
                mixed[features[player]] = other[features[player]]
                changes += 1
            }
            let weight = ElementaryFunctions.exp(-changes / (0.5625 * Double(count)))
            gram.addOuterProduct(of: row, weight: weight)
            let values = function(mixed)
            total += weight
            for output in 0..<outputs {
                // Around the explained value, so that a large constant costs no digits.
                let value = values[output] - centre[output]
                for index in row.indices { moments[output][index] += weight * value * row[index] }
                sums[output] += weight * value
                squares[output] += weight * value * value
            }
        }
        var weights = [[Double]](repeating: [Double](repeating: 0, count: features.count), count: outputs)
        var fidelity = [Double](repeating: 1, count: outputs)
        if count > 0 {
            let factor = Cholesky(of: gram, ridge: 1e-9 * total)
            for output in 0..<outputs {
                let solved = factor.solve(moments[output])
                for (position, player) in players.enumerated() { weights[output][player] = solved[position] }
                let variance = squares[output] - sums[output] * sums[output] / total
                // sum w (y - X b)^2 = y'y - 2 b'X'y + b'X'X b, and X'X b = X'y - ridge b.
                let fitted = gram.multiplied(by: solved)
                var residual = squares[output]
                for index in solved.indices { residual += solved[index] * (fitted[index] - 2 * moments[output][index]) }
                if variance > 0 { fidelity[output] = min(1, max(0, 1 - residual / variance)) }
            }
        }
        self.features = features
        self.weights = weights
        self.fidelity = fidelity
    }
}
