package import HaggleCore

/// The smallest change of a context that makes another arm the best by score.
///
/// "Smallest" is measured on the background: for a number the share of background values between the two, for anything else the share of
/// the background that does *not* have the new value. A pair costs the sum.
package struct Counterfactual: Hashable, Sendable, Codable {
    package enum Comparison: String, Hashable, Sendable, Codable {
        /// The value or any a little above it.
        case atLeast = "at-least"
        /// The value or any a little below it.
        case atMost = "at-most"
        case equals
    }

    /// What one feature would have to be.
    package struct Change: Hashable, Sendable, Codable {
        package let feature: String
        /// Nil where it is missing.
        package let from: ContextValue?
        package let comparison: Comparison
        package let to: ContextValue
        /// In 0...1.
        package let size: Double
    }

    /// Position of the arm that would be best.
    package let arm: Int
    /// One or two.
    package let changes: [Change]
    package let size: Double
    /// What that arm and the present best arm would be expected to give.
    package let expectedReward: Double
    package let expectedRewardOfPresentBest: Double

    private enum CodingKeys: String, CodingKey {
        case arm, changes, size
        case expectedReward = "expected_reward"
        case expectedRewardOfPresentBest = "expected_reward_of_present_best"
    }
}

/// Looks for counterfactuals of one context.
///
/// Numbers are tried at up to 64 quantiles of the background and the threshold is then found by bisection; categories at every value of
/// the schema and of the background; event lists are left as they are. A number that is missing is tried at the same quantiles.
package struct CounterfactualSearch {
    private let function: ContextFunction
    private let eligible: [Int]
    private let context: Context
    private let candidates: [Candidates]
    /// Position in `eligible`.
    private let best: Int

    /// The values that one feature may be given.
    private struct Candidates {
        let name: String
        let present: ContextValue?
        /// Ascending where the feature is a number.
        var numbers: [Double] = []
        /// All observed numbers, ascending.
        var observed: [Double] = []
        var others: [(value: ContextValue, size: Double)] = []
    }

    /// - Parameter function: the expected rewards of the eligible arms.
    package init(of function: ContextFunction, eligible: [Int], at context: Context, schema: FeatureSchema, background: [Context]) {
        self.function = function
        self.eligible = eligible
        self.context = context
        candidates = schema.features.map { Self.candidates($0, context[$0.name], background) }
        best = Self.best(function(context))
    }

    /// The smallest change of a single feature for every other arm that one can be found for, smallest first; where there is none for any
    /// arm, the smallest change of two features.
    package func callAsFunction() -> [Counterfactual] {
        var found: [Int: Counterfactual] = [:]
        func keep(_ candidate: Counterfactual?) {
            guard let candidate else { return }
            if let known = found[candidate.arm], known.size <= candidate.size { return }
            found[candidate.arm] = candidate
        }
        for feature in candidates {
            for other in feature.others {
                keep(
                    counterfactual([
                        Counterfactual.Change(
                            feature: feature.name, from: feature.present, comparison: .equals, to: other.value, size: other.size)
                    ]))
            }
            for change in thresholds(feature) { keep(counterfactual([change])) }
        }
        if found.isEmpty { keep(smallestPair()) }
        return found.values.sorted { ($0.size, $0.arm) < ($1.size, $1.arm) }
    }

    private static func best(_ means: [Double]) -> Int {
        var best = 0
        for index in means.indices where means[index] > means[best] { best = index }
        return best
    }

    private func counterfactual(_ changes: [Counterfactual.Change]) -> Counterfactual? {
        var changed = context
        for change in changes { changed[change.feature] = change.to }
        let means = function(changed)
        let winner = Self.best(means)
        guard winner != best else { return nil }
        return Counterfactual(
            arm: eligible[winner], changes: changes, size: changes.reduce(0) { $0 + $1.size }, expectedReward: means[winner],
            expectedRewardOfPresentBest: means[best])
    }

    /// Position of the best arm where one number is another.
    private func winner(_ name: String, _ value: Double) -> Int {
        var changed = context
        changed[name] = .number(value)
        return Self.best(function(changed))
    }

    /// For each arm that becomes best above or below the present number: where it first does.
    private func thresholds(_ feature: Candidates) -> [Counterfactual.Change] {
        guard !feature.numbers.isEmpty else { return [] }
        guard case .number(let present)? = feature.present else {
            return feature.numbers.map {
                Counterfactual.Change(feature: feature.name, from: feature.present, comparison: .equals, to: .number($0), size: 1)
            }
        }
        var changes: [Counterfactual.Change] = []
        for isUp in [true, false] {
            let outward = isUp ? feature.numbers.filter { $0 > present } : feature.numbers.reversed().filter { $0 < present }
            var known: Set<Int> = [best]
            var previous = present
            for value in outward {
                let arm = winner(feature.name, value)
                if known.insert(arm).inserted {
                    let threshold = refined(feature.name, from: previous, to: value, arm: arm)
                    changes.append(
                        Counterfactual.Change(
                            feature: feature.name, from: feature.present, comparison: isUp ? .atLeast : .atMost,
                            to: .number(threshold), size: Self.distance(present, threshold, in: feature.observed)))
                }
                previous = value
            }
        }
        return changes
    }

    /// A value between `outside` and `inside` from which on the arm is best, as few digits as keep within 1 % of the gap.
    private func refined(_ name: String, from outside: Double, to inside: Double, arm: Int) -> Double {
        var (outer, inner) = (outside, inside)
        for _ in 0..<48 {
            let middle = outer + (inner - outer) / 2
            if middle == outer || middle == inner { break }
            if winner(name, middle) == arm { inner = middle } else { outer = middle }
        }
        for digits in -6...9 {
            let scaled = Self.shifted(inner, by: digits)
            let rounded = Self.shifted(inside > outside ? scaled.rounded(.up) : scaled.rounded(.down), by: -digits)
            let isBetween = inside > outside ? rounded <= inside : rounded >= inside
            if isBetween, abs(rounded - inner) <= 0.01 * abs(inside - outside), winner(name, rounded) == arm { return rounded }
        }
        return inner
    }

    /// `value * 10^digits`, by division where that is what rounds right.
    private static func shifted(_ value: Double, by digits: Int) -> Double {
        var power = 1.0
        for _ in 0..<abs(digits) { power *= 10 }
        return digits < 0 ? value / power : value * power
    }

    /// Share of observed values that lie between, and a thousandth of the way as a share of the range, which breaks ties.
    private static func distance(_ from: Double, _ to: Double, in observed: [Double]) -> Double {
        let (low, high) = (min(from, to), max(from, to))
        let between = observed.count { $0 > low && $0 < high }
        let range = (observed.last ?? 0) - (observed.first ?? 0)
        let way = range > 0 ? min(1, (high - low) / range) : 1
        return 0.999 * Double(between) / Double(max(1, observed.count)) + 0.001 * way
    }

    /// Over all pairs of features with a coarser choice of values, at most sixteen a feature.
    private func smallestPair() -> Counterfactual? {
        let choices = candidates.map { feature -> [Counterfactual.Change] in
            var changes = feature.others.prefix(16).map {
                Counterfactual.Change(feature: feature.name, from: feature.present, comparison: .equals, to: $0.value, size: $0.size)
            }
            let step = max(1, (feature.numbers.count + 15) / 16)
            for index in stride(from: 0, to: feature.numbers.count, by: step) {
                let value = feature.numbers[index]
                var size = 1.0
                var comparison = Counterfactual.Comparison.equals
                if case .number(let present)? = feature.present {
                    if value == present { continue }
                    size = Self.distance(present, value, in: feature.observed)
                    comparison = value > present ? .atLeast : .atMost
                }
                changes.append(
                    Counterfactual.Change(
                        feature: feature.name, from: feature.present, comparison: comparison, to: .number(value), size: size))
            }
            return changes.sorted { $0.size < $1.size }
        }
        var smallest: Counterfactual?
        for first in choices.indices {
            for second in choices.indices.dropFirst(first + 1) {
                for one in choices[first] {
                    for other in choices[second] {
                        if let smallest, one.size + other.size >= smallest.size { break }
                        if let found = counterfactual([one, other]) { smallest = found }
                    }
                }
            }
        }
        return smallest
    }

    private static func candidates(_ feature: Feature, _ present: ContextValue?, _ background: [Context]) -> Candidates {
        var result = Candidates(name: feature.name, present: present)
        switch feature.kind {
        case .number, .cycle:
            result.observed = background.compactMap { context in
                if case .number(let value)? = context[feature.name], value.isFinite { value } else { nil }
            }.sorted()
            var distinct: [Double] = []
            for value in result.observed where value != distinct.last { distinct.append(value) }
            let count = min(64, distinct.count)
            result.numbers = (0..<count).map { distinct[count == 1 ? 0 : $0 * (distinct.count - 1) / (count - 1)] }
        case .boolean, .category, .hashedCategory:
            var counts: [ContextValue: Int] = [:]
            for context in background { if let value = context[feature.name] { counts[value, default: 0] += 1 } }
            if case .category(let values, _) = feature.kind { for value in values { counts[.text(value), default: 0] += 0 } }
            if case .boolean = feature.kind {
                counts[.boolean(true), default: 0] += 0
                counts[.boolean(false), default: 0] += 0
            }
            result.others = counts.filter { $0.key != present }
                .map { (value: $0.key, size: 1 - Double($0.value) / Double(max(1, background.count)), count: $0.value) }
                .sorted { ($1.count, "\($0.value)") < ($0.count, "\($1.value)") }
                .prefix(256).map { ($0.value, $0.size) }
        case .sequence: break
        }
        return result
    }
}
