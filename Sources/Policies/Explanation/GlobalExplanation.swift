package import HaggleCore
import HaggleMath

/// What a snapshot has learned, over a sample of contexts: which features matter, and how each arm's expected reward runs with them.
package struct GlobalExplanation: Hashable, Sendable, Codable {
    package struct Importance: Hashable, Sendable, Codable {
        package let feature: String
        /// Mean over the contexts of the contribution's absolute value, per arm; how much the arm's score moves with the feature.
        package let shapley: [Double]
        /// What is lost per choice, in the reward's unit, where the best arm is chosen with this feature shuffled among the contexts:
        /// `mean of max_a f_a(x) - f_a'(x)`, a' the best arm of the shuffled context. At least 0; 0 for a feature that moves all arms alike.
        package let permutation: Double
    }

    /// Mean expected reward over the contexts with one feature set to a value.
    package struct PartialDependence: Hashable, Sendable, Codable {
        package let feature: String
        package let points: [Point]

        package struct Point: Hashable, Sendable, Codable {
            package let value: ContextValue
            /// One per arm.
            package let expectedRewards: [Double]

            private enum CodingKeys: String, CodingKey {
                case value
                case expectedRewards = "expected_rewards"
            }
        }
    }

    package let experiment: ExperimentKey
    package let snapshot: SnapshotVersion
    package let arms: [ArmKey]
    package let contextCount: Int
    /// Largest permutation importance first, then mean absolute contribution.
    package let importance: [Importance]
    /// Numbers at quantiles of the contexts; flags and categories at their values.
    package let partialDependence: [PartialDependence]

    private enum CodingKeys: String, CodingKey {
        case experiment, snapshot, arms, importance
        case contextCount = "context_count"
        case partialDependence = "partial_dependence"
    }

    package struct Options: Hashable, Sendable {
        /// Contexts whose contributions are averaged, the first ones.
        package var explainedCount: Int
        /// Contexts that each is held against, the last ones.
        package var backgroundCount: Int
        package var shapley: ShapleyValues.Options
        /// Quantiles of a number in a partial dependence.
        package var pointCount: Int
        /// Of the shuffling.
        package var seed: UInt64

        package init(
            explainedCount: Int = 64, backgroundCount: Int = 32,
            shapley: ShapleyValues.Options = ShapleyValues.Options(exactLimit: 8, coalitionCount: 256), pointCount: Int = 20,
            seed: UInt64 = 1
        ) {
            self.explainedCount = explainedCount
            self.backgroundCount = backgroundCount
            self.shapley = shapley
            self.pointCount = pointCount
            self.seed = seed
        }
    }

    /// O(explained * background * coalitions + features * contexts * points) evaluations; some seconds for a network of twenty features
    /// and 200 contexts.
    /// - Parameter contexts: an unordered sample of the log; a few hundred do.
    /// - Throws: `PoliciesError.noRows` where there are none.
    package init(of snapshot: ServingSnapshot, contexts: [Context], options: Options = Options()) throws {
        guard !contexts.isEmpty else { throw PoliciesError.noRows(what: "a global explanation") }
        let schema = snapshot.representation.schema
        let names = schema.features.map(\.name)
        let function = ArmScores(snapshot).function(of: Array(snapshot.arms.indices))
        let background = Array(contexts.suffix(max(1, options.backgroundCount)))
        let explained = contexts.prefix(max(1, options.explainedCount))
        var sizes = [[Double]](repeating: [Double](repeating: 0, count: snapshot.arms.count), count: names.count)
        for context in explained {
            let values = ShapleyValues(of: function, at: context, features: names, background: background, options: options.shapley)
            for arm in snapshot.arms.indices {
                for index in names.indices { sizes[index][arm] += abs(values.contributions[arm][index]) / Double(explained.count) }
            }
        }
        let lost = Self.permutationLosses(function, contexts, names, seed: options.seed)
        importance = names.indices.map { Importance(feature: names[$0], shapley: sizes[$0], permutation: lost[$0]) }
            .sorted { ($1.permutation, $1.shapley.reduce(0, +), $0.feature) < ($0.permutation, $0.shapley.reduce(0, +), $1.feature) }
        partialDependence = schema.features.compactMap { feature in
            let values = Self.values(of: feature, in: contexts, count: options.pointCount)
            if values.isEmpty { return nil }
            return PartialDependence(
                feature: feature.name, points: values.map { Self.point(function, feature.name, $0, contexts) })
        }
        experiment = snapshot.experiment
        self.snapshot = snapshot.version
        arms = snapshot.arms
        contextCount = contexts.count
    }

    private static func permutationLosses(_ function: ContextFunction, _ contexts: [Context], _ names: [String], seed: UInt64) -> [Double] {
        let means = contexts.map { function($0) }
        return names.indices.map { index in
            var generator = SeededGenerator(seed: seed, stream: UInt64(index))
            let order = contexts.indices.shuffled(using: &generator)
            var total = CompensatedSum()
            for row in contexts.indices {
                let value = contexts[order[row]][names[index]]
                if value == contexts[row][names[index]] { continue }
                var changed = contexts[row]
                changed[names[index]] = value
                total += means[row][best(means[row])] - means[row][best(function(changed))]
            }
            return total.value / Double(contexts.count)
        }
    }

    private static func best(_ means: [Double]) -> Int {
        var best = 0
        for index in means.indices where means[index] > means[best] { best = index }
        return best
    }

    private static func point(_ function: ContextFunction, _ name: String, _ value: ContextValue, _ contexts: [Context])
        -> PartialDependence.Point
    {
        var sums = [CompensatedSum](repeating: CompensatedSum(), count: function.outputCount)
        for context in contexts {
            var changed = context
            changed[name] = value
            let means = function(changed)
            for arm in sums.indices { sums[arm] += means[arm] }
        }
        return .init(value: value, expectedRewards: sums.map { $0.value / Double(contexts.count) })
    }

    private static func values(of feature: Feature, in contexts: [Context], count: Int) -> [ContextValue] {
        switch feature.kind {
        case .number, .cycle:
            var distinct: [Double] = []
            let sorted = contexts.compactMap { context in
                if case .number(let value)? = context[feature.name], value.isFinite { value } else { nil }
            }.sorted()
            for value in sorted where value != distinct.last { distinct.append(value) }
            if distinct.count <= count { return distinct.map { .number($0) } }
            var picked: [Double] = []
            for index in 0..<count {
                let value = sorted[index * (sorted.count - 1) / max(1, count - 1)]
                if value != picked.last { picked.append(value) }
            }
            return picked.map { .number($0) }
        case .boolean: return [.boolean(false), .boolean(true)]
        case .category(let values, _): return values.map { .text($0) }
        case .hashedCategory, .sequence: return []
        }
    }
}
