package import HaggleCore

/// What the off-policy value of a model's greedy policy is made of, in a size that does not depend on the number of rows; parts add up.
///
/// With the weight w = pi(arm) / p, the model's estimates q, and sums over the rows of a unit u
///
///     D_u = sum q^pi + w (r - q)      n_u = rows      A_u = sum w r      W_u = sum w
///
///     DR = sum D_u / n                SE^2 = G / (G - 1)  sum (D_u - DR n_u)^2 / n^2
///     SNIPS = sum A_u / sum W_u       SE^2 = G / (G - 1)  sum (A_u - SNIPS W_u)^2 / (sum W_u)^2
///
/// The model was fitted without the rows, so DR is cross-fitted (Dudik, Langford & Li 2011; Swaminathan & Joachims 2015). Sums over folds
/// take a unit that lies in two folds (`split: time`) for two.
package struct ValueSums: Hashable, Sendable, Codable {
    package private(set) var rows = 0.0
    /// Units, a row without one counted as its own.
    package private(set) var clusters = 0.0
    package private(set) var weights = 0.0
    /// Of rows, for the effective sample size.
    package private(set) var weightSquares = 0.0
    package private(set) var largestWeight = 0.0
    private var robust = Products()
    private var plain = Products()

    /// Sums of two columns over units: x, and the y that it is divided by.
    struct Products: Hashable, Sendable, Codable {
        var x = 0.0
        var y = 0.0
        var xx = 0.0
        var xy = 0.0
        var yy = 0.0

        mutating func add(_ x: Double, _ y: Double) {
            self.x += x
            self.y += y
            xx += x * x
            xy += x * y
            yy += y * y
        }

        mutating func merge(_ other: Self) {
            x += other.x
            y += other.y
            xx += other.xx
            xy += other.xy
            yy += other.yy
        }

        /// The ratio and its clustered standard error; nil where it has none.
        func ratio(clusters: Double) -> (value: Double, error: Double)? {
            guard y != 0, clusters >= 2 else { return nil }
            let value = x / y
            let squares = max(0, xx - 2 * value * xy + value * value * yy)
            let error = (clusters / (clusters - 1) * squares).squareRoot() / abs(y)
            return value.isFinite && error.isFinite ? (value, error) : nil
        }
    }

    package init() {}

    /// Sums of held-out rows.
    /// - Parameters:
    ///   - estimates: of every row the model's estimates, one per arm.
    /// - Returns: nil where a row has no usable propensity.
    package init?(_ rows: [Interaction], estimates: [[Double]]) {
        var units: [UnitID: (robust: Double, rows: Double, plain: Double, weights: Double)] = [:]
        for (row, q) in zip(rows, estimates) {
            guard let propensity = row.propensity, propensity > 0 else { return nil }
            let eligible = row.eligible ?? Array(q.indices)
            let best = eligible.lazy.map { q[$0] }.max() ?? 0
            let leaders = eligible.filter { q[$0] == best }
            let weight = leaders.contains(row.arm) ? 1 / Double(leaders.count) / propensity : 0
            let robust = best + weight * (row.reward - q[row.arm])
            self.rows += 1
            weights += weight
            weightSquares += weight * weight
            largestWeight = max(largestWeight, weight)
            guard let unit = row.unit else {
                add(robust: robust, rows: 1, plain: weight * row.reward, weights: weight)
                continue
            }
            let old = units[unit] ?? (0, 0, 0, 0)
            units[unit] = (old.robust + robust, old.rows + 1, old.plain + weight * row.reward, old.weights + weight)
        }
        // Sorted, so that the order of a dictionary does not change the last bits.
        for unit in units.sorted(by: { $0.key.rawValue < $1.key.rawValue }) {
            add(robust: unit.value.robust, rows: unit.value.rows, plain: unit.value.plain, weights: unit.value.weights)
        }
    }

    private mutating func add(robust: Double, rows: Double, plain: Double, weights: Double) {
        clusters += 1
        self.robust.add(robust, rows)
        self.plain.add(plain, weights)
    }

    package mutating func merge(_ other: Self) {
        rows += other.rows
        clusters += other.clusters
        weights += other.weights
        weightSquares += other.weightSquares
        largestWeight = max(largestWeight, other.largestWeight)
        robust.merge(other.robust)
        plain.merge(other.plain)
    }

    /// (sum w)^2 / sum w^2; 0 where the policy never gives a logged arm.
    package var effectiveSampleSize: Double { weightSquares > 0 ? weights * weights / weightSquares : 0 }
    /// The share of all weight that one row carries.
    package var largestWeightShare: Double { weights > 0 ? largestWeight / weights : 1 }

    /// The doubly robust value with its standard error; nil with fewer than two units.
    package var doublyRobust: (value: Double, error: Double)? { robust.ratio(clusters: clusters) }
    /// The self-normalised value with its standard error.
    package var selfNormalised: (value: Double, error: Double)? { plain.ratio(clusters: clusters) }
}
