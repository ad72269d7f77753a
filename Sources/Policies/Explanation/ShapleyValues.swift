package import HaggleCore
import HaggleMath

/// How much each feature of a context contributes to the difference between a function's value there and its mean over a background.
///
/// The value of a set S of known features is interventional: features in S as in the explained context x, the others as in a background
/// context b, averaged over the background (Lundberg & Lee 2017; Janzing, Minorics & Bloebaum 2020 on why not conditional):
///
///     v(S) = mean over b of f(x_S, b_rest)
///     phi_i = sum over S without i of |S|! (M - |S| - 1)! / M! (v(S + i) - v(S))
///     sum_i phi_i = f(x) - mean over b of f(b)
///
/// Features that are equal in x and in the whole background contribute 0 and are not counted in M. A missing value is a value of its own.
/// - Complexity: in evaluations of f per background context: M + 1 (additive), 2^M (exact), the number of coalitions (kernel).
package struct ShapleyValues: Hashable, Sendable, Codable {
    package enum Method: String, Hashable, Sendable, Codable {
        /// The closed form for functions without interactions.
        case additive
        /// Every coalition of features.
        case exact
        /// Kernel SHAP: weighted least squares over sampled coalitions, exact where the function has no interactions.
        case kernel
    }

    package struct Options: Hashable, Sendable {
        /// With at most so many features that vary, every coalition is looked at.
        package var exactLimit: Int
        /// Coalitions of kernel SHAP; at least four per feature are taken.
        package var coalitionCount: Int
        /// Of the sampled coalitions.
        package var seed: UInt64

        /// - Precondition: `exactLimit` in 0...20.
        package init(exactLimit: Int = 12, coalitionCount: Int = 2048, seed: UInt64 = 1) {
            precondition((0...20).contains(exactLimit), "2^M coalitions of more than 20 features are too many")
            self.exactLimit = exactLimit
            self.coalitionCount = coalitionCount
            self.seed = seed
        }
    }

    package let method: Method
    package let features: [String]
    /// The function's value at the explained context, one per output.
    package let values: [Double]
    /// Its mean over the background, one per output.
    package let base: [Double]
    /// One row per output, in it one number per feature.
    package let contributions: [[Double]]

    /// - Precondition: the background is not empty.
    package init(
        of function: ContextFunction, at context: Context, features: [String], background: [Context], options: Options = Options()
    ) {
        precondition(!background.isEmpty, "contributions are measured against a background of contexts")
        let players = features.indices.filter { index in
            background.contains { $0[features[index]] != context[features[index]] }
        }
        let game = CoalitionGame(function, context, names: players.map { features[$0] }, background)
        let empty = game.value(of: [Bool](repeating: false, count: players.count))
        let full = function(context)
        var found: [[Double]]?
        var method = Method.exact
        if function.isAdditive, players.count > 1 {
            found = game.additive(empty: empty, full: full)
            method = .additive
        }
        if found == nil {
            method = players.count <= options.exactLimit ? .exact : .kernel
            found =
                method == .exact
                ? game.exact(empty: empty, full: full)
                : game.kernel(empty: empty, full: full, coalitionCount: options.coalitionCount, seed: options.seed)
        }
        var contributions = [[Double]](repeating: [Double](repeating: 0, count: features.count), count: function.outputCount)
        for output in contributions.indices {
            for (position, player) in players.enumerated() { contributions[output][player] = found?[output][position] ?? 0 }
        }
        self.method = method
        self.features = features
        values = full
        base = empty
        self.contributions = contributions
    }
}

/// v(S) of one context against a background, for the features that vary.
struct CoalitionGame {
    private let function: ContextFunction
    private let context: Context
    private let names: [String]
    private let background: [Context]

    init(_ function: ContextFunction, _ context: Context, names: [String], _ background: [Context]) {
        self.function = function
        self.context = context
        self.names = names
        self.background = background
    }

    /// v(S).
    func value(of coalition: [Bool]) -> [Double] {
        var sums = [CompensatedSum](repeating: CompensatedSum(), count: function.outputCount)
        for other in background {
            var mixed = other
            for index in names.indices where coalition[index] { mixed[names[index]] = context[names[index]] }
            let values = function(mixed)
            for output in sums.indices { sums[output] += values[output] }
        }
        return sums.map { $0.value / Double(background.count) }
    }

    /// The contribution of each feature alone; nil where they do not sum to the difference, so that the function is not additive.
    func additive(empty: [Double], full: [Double]) -> [[Double]]? {
        var result = [[Double]](repeating: [Double](repeating: 0, count: names.count), count: function.outputCount)
        for index in names.indices {
            var coalition = [Bool](repeating: false, count: names.count)
            coalition[index] = true
            let alone = value(of: coalition)
            for output in result.indices { result[output][index] = alone[output] - empty[output] }
        }
        for output in result.indices {
            let size = result[output].reduce(abs(full[output]) + abs(empty[output])) { $0 + abs($1) }
            guard abs(result[output].reduce(0, +) - (full[output] - empty[output])) <= 1e-10 * size else { return nil }
        }
        return result
    }

    /// Every coalition. Contexts are changed one feature at a time, in the order of a Gray code.
    func exact(empty: [Double], full: [Double]) -> [[Double]] {
        let count = names.count
        let outputs = function.outputCount
        var result = [[Double]](repeating: [Double](repeating: 0, count: count), count: outputs)
        guard count > 0 else { return result }
        let coalitions = 1 << count
        var values = [Double](repeating: 0, count: coalitions * outputs)
        for other in background {
            var mixed = other
            var mask = 0
            for step in 0..<coalitions {
                if step > 0 {
                    let changed = step.trailingZeroBitCount
                    mask ^= 1 << changed
                    mixed[names[changed]] = mask >> changed & 1 == 1 ? context[names[changed]] : other[names[changed]]
                }
                let scores = function(mixed)
                for output in 0..<outputs { values[mask * outputs + output] += scores[output] }
            }
        }
        for index in values.indices { values[index] /= Double(background.count) }
        for output in 0..<outputs {
            values[output] = empty[output]
            values[(coalitions - 1) * outputs + output] = full[output]
        }
        // |S|! (M - |S| - 1)! / M! by size, without factorials: 1 / (M C(M - 1, |S|)).
        var weights = [Double](repeating: 1 / Double(count), count: count)
        for size in 1..<max(1, count) { weights[size] = weights[size - 1] * Double(size) / Double(count - size) }
        for player in 0..<count {
            for mask in 0..<coalitions where mask >> player & 1 == 0 {
                let weight = weights[mask.nonzeroBitCount]
                let with = (mask | 1 << player) * outputs
                for output in 0..<outputs { result[output][player] += weight * (values[with + output] - values[mask * outputs + output]) }
            }
        }
        return result
    }

    /// Kernel SHAP: the additive function of the coalition that fits v best under the Shapley kernel and sums exactly.
    ///
    /// Sizes are taken whole from the outside in while the budget allows, the rest is sampled, each coalition with its complement
    /// (Covert & Lee 2021 on why). The constraint is eliminated and not weighted.
    func kernel(empty: [Double], full: [Double], coalitionCount: Int, seed: UInt64) -> [[Double]] {
        let count = names.count
        let coalitions = CoalitionSample(playerCount: count, budget: max(coalitionCount, 4 * count), seed: seed)
        let outputs = function.outputCount
        let last = count - 1
        var gram = SymmetricMatrix(dimension: last)
        var moments = [[Double]](repeating: [Double](repeating: 0, count: last), count: outputs)
        var row = [Double](repeating: 0, count: last)
        for (members, weight) in coalitions.members {
            let constant: Double = members[last] ? 1 : 0
            for index in 0..<last { row[index] = (members[index] ? 1 : 0) - constant }
            gram.addOuterProduct(of: row, weight: weight)
            let scores = value(of: members)
            for output in 0..<outputs {
                let target = weight * (scores[output] - empty[output] - constant * (full[output] - empty[output]))
                for index in 0..<last { moments[output][index] += target * row[index] }
            }
        }
        // Positive definite: every single feature and every complement of one is among the coalitions.
        let factor = Cholesky(of: gram, ridge: 1e-14)
        return (0..<outputs).map { output in
            var solved = factor.solve(moments[output])
            solved.append(full[output] - empty[output] - solved.reduce(0, +))
            return solved
        }
    }
}

/// The coalitions that kernel SHAP looks at, with their weights; the empty and the full one are not among them.
struct CoalitionSample {
    private(set) var members: [(members: [Bool], weight: Double)] = []

    /// - Precondition: at least two players; `budget` at least twice as many.
    init(playerCount: Int, budget: Int, seed: UInt64) {
        var remaining = budget
        // The Shapley kernel's weight of a size together with its complement's: (M - 1) / (s (M - s)), halved where s is its own.
        var shares = (1...playerCount / 2).map { size in
            Double(playerCount - 1) / Double(size * (playerCount - size)) * (2 * size == playerCount ? 1 : 2)
        }
        let total = shares.reduce(0, +)
        for index in shares.indices { shares[index] /= total }
        var left = 1.0
        var firstSampled = 1
        for size in 1...playerCount / 2 {
            let isHalf = 2 * size == playerCount
            let subsets = Self.binomial(playerCount, size) * (isHalf ? 1 : 2)
            let expected = Double(remaining) * shares[size - 1] / left
            guard size == 1 || subsets <= expected else { break }
            let weight = shares[size - 1] / subsets
            Self.forEachSubset(of: playerCount, size: size) { subset in
                members.append((subset, weight))
                if !isHalf { members.append((subset.map { !$0 }, weight)) }
            }
            remaining -= Int(subsets)
            left -= shares[size - 1]
            firstSampled = size + 1
        }
        guard firstSampled <= playerCount / 2, remaining >= 2 else { return }
        sample(playerCount, sizes: firstSampled...playerCount / 2, shares: shares, pairs: remaining / 2, seed: seed)
    }

    private mutating func sample(_ playerCount: Int, sizes: ClosedRange<Int>, shares: [Double], pairs: Int, seed: UInt64) {
        var generator = SeededGenerator(seed: seed)
        let left = sizes.reduce(0) { $0 + shares[$1 - 1] }
        var places: [[Bool]: Int] = [:]
        for _ in 0..<pairs {
            var uniform = generator.uniform() * left
            var size = sizes.lowerBound
            while size < sizes.upperBound, uniform >= shares[size - 1] {
                uniform -= shares[size - 1]
                size += 1
            }
            var subset = [Bool](repeating: false, count: playerCount)
            var order = Array(0..<playerCount)
            for index in 0..<size {
                order.swapAt(index, index + Int(generator.uniform() * Double(playerCount - index)))
                subset[order[index]] = true
            }
            for coalition in [subset, subset.map { !$0 }] {
                if let place = places[coalition] {
                    members[place].weight += left / Double(2 * pairs)
                } else {
                    places[coalition] = members.count
                    members.append((coalition, left / Double(2 * pairs)))
                }
            }
        }
    }

    private static func binomial(_ n: Int, _ k: Int) -> Double {
        var result = 1.0
        for index in 0..<k { result = result * Double(n - index) / Double(index + 1) }
        return result.rounded()
    }

    private static func forEachSubset(of count: Int, size: Int, _ body: ([Bool]) -> Void) {
        var chosen = Array(0..<size)
        while true {
            var subset = [Bool](repeating: false, count: count)
            for index in chosen { subset[index] = true }
            body(subset)
            guard let place = chosen.indices.last(where: { chosen[$0] < count - size + $0 }) else { return }
            chosen[place] += 1
            for index in place + 1..<max(size, place + 1) { chosen[index] = chosen[index - 1] + 1 }
        }
    }
}
