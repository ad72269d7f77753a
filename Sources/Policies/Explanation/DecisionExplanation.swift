package import HaggleCore

/// Why a snapshot gives its arms the probabilities that it gives in a context.
///
/// Explains the *scores*, expected rewards in the reward's own unit, and beside them what exploration made of them; so it is as valid for a
/// choice that was exploration as for one that was not.
package struct DecisionExplanation: Hashable, Sendable, Codable {
    /// One feature's part in one arm's score.
    package struct Contribution: Hashable, Sendable, Codable {
        package let feature: String
        /// Nil where it is missing.
        package let value: ContextValue?
        /// By `ShapleyValues`; over all features they sum to `expectedReward - baseReward`.
        package let shapley: Double
        /// By `LocalSurrogate`.
        package let local: Double
    }

    package struct ArmPart: Hashable, Sendable, Codable {
        package let arm: ArmKey
        package let probability: Double
        /// Of `probability`: what every eligible arm gets.
        package let floor: Double
        package let expectedReward: Double
        /// Standard deviation of the expected reward (not of the reward).
        package let standardDeviation: Double
        /// Mean expected reward over the background.
        package let baseReward: Double
        /// In the schema's order.
        package let contributions: [Contribution]
        /// How well a linear function describes the score around this context, in 0...1.
        package let localFidelity: Double

        private enum CodingKeys: String, CodingKey {
            case arm, probability, floor, contributions
            case expectedReward = "expected_reward"
            case standardDeviation = "standard_deviation"
            case baseReward = "base_reward"
            case localFidelity = "local_fidelity"
        }
    }

    /// A counterfactual with its arm by key.
    package struct Alternative: Hashable, Sendable, Codable {
        package let arm: ArmKey
        package let counterfactual: Counterfactual
    }

    package let experiment: ExperimentKey
    package let snapshot: SnapshotVersion
    package let algorithm: PolicyConfiguration.Algorithm
    /// The eligible arms, in configuration order.
    package let arms: [ArmPart]
    /// The largest expected reward; the first of equals.
    package let best: ArmKey
    /// The arm that was given, where a choice is explained.
    package let shown: ArmKey?
    /// Probability of an arm other than the best: how much of this distribution is exploration.
    package let exploration: Double
    /// Of `exploration`: what the floor alone gives to the other arms.
    package let explorationByFloor: Double
    /// Of `exploration`: what the algorithm gives them, for Thompson sampling and upper bounds because the posterior is uncertain.
    package let explorationByRule: Double
    package let method: ShapleyValues.Method
    /// How many contexts "on average" means.
    package let backgroundCount: Int
    /// Smallest first; empty where no change of one or two features makes another arm the best.
    package let alternatives: [Alternative]

    /// Whether the arm given was not the one of the largest expected reward; nil where no choice is explained.
    package let wasExploration: Bool?

    private enum CodingKeys: String, CodingKey {
        case experiment, snapshot, algorithm, arms, best, shown, exploration, method, alternatives
        case explorationByFloor = "exploration_by_floor"
        case explorationByRule = "exploration_by_rule"
        case backgroundCount = "background_count"
        case wasExploration = "was_exploration"
    }

    package struct Options: Hashable, Sendable {
        package var shapley: ShapleyValues.Options
        package var localSampleCount: Int
        /// Of the neighbourhood; the coalitions have their own.
        package var seed: UInt64

        package init(shapley: ShapleyValues.Options = ShapleyValues.Options(), localSampleCount: Int = 1000, seed: UInt64 = 1) {
            self.shapley = shapley
            self.localSampleCount = localSampleCount
            self.seed = seed
        }
    }

    /// Deterministic: the same snapshot, context, background and options give the same bits.
    /// - Parameters:
    ///   - eligible: positions of the eligible arms, ascending, not empty.
    ///   - shown: position of the arm that was given.
    ///   - background: contexts of the log that "on average" is measured over; a hundred do.
    /// - Throws: `PoliciesError.noRows` where the background is empty.
    package init(
        of snapshot: ServingSnapshot, in context: Context, eligible: [Int], shown: Int? = nil, background: [Context],
        options: Options = Options()
    ) throws {
        guard !background.isEmpty else { throw PoliciesError.noRows(what: "an explanation's background") }
        let schema = snapshot.representation.schema
        let features = schema.features.map(\.name)
        let scores = ArmScores(snapshot)
        let function = scores.function(of: eligible)
        let (means, deviations) = scores(of: eligible, in: context)
        let distribution = SnapshotPolicy(snapshot).distribution(over: eligible, in: context)
        let shapley = ShapleyValues(of: function, at: context, features: features, background: background, options: options.shapley)
        let surrogate = LocalSurrogate(
            of: function, at: context, features: features, background: background, sampleCount: options.localSampleCount,
            seed: options.seed)
        let floor = min(snapshot.configuration.floor, 1 / Double(eligible.count))
        arms = eligible.indices.map { position in
            ArmPart(
                arm: snapshot.arms[eligible[position]], probability: distribution[eligible[position]], floor: floor,
                expectedReward: means[position], standardDeviation: deviations[position], baseReward: shapley.base[position],
                contributions: features.indices.map { index in
                    Contribution(
                        feature: features[index], value: context[features[index]],
                        shapley: shapley.contributions[position][index], local: surrogate.weights[position][index])
                }, localFidelity: surrogate.fidelity[position])
        }
        var leader = 0
        for position in means.indices where means[position] > means[leader] { leader = position }
        experiment = snapshot.experiment
        self.snapshot = snapshot.version
        algorithm = snapshot.configuration.algorithm
        best = snapshot.arms[eligible[leader]]
        self.shown = shown.map { snapshot.arms[$0] }
        wasExploration = shown.map { $0 != eligible[leader] }
        exploration = max(0, 1 - distribution[eligible[leader]])
        explorationByFloor = min(exploration, floor * Double(eligible.count - 1))
        explorationByRule = exploration - explorationByFloor
        method = shapley.method
        backgroundCount = background.count
        alternatives = CounterfactualSearch(of: function, eligible: eligible, at: context, schema: schema, background: background)()
            .map { Alternative(arm: snapshot.arms[$0.arm], counterfactual: $0) }
    }
}
