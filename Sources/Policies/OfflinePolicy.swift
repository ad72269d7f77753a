package import HaggleCore
import HaggleMath

/// A policy learned from a log as a whole: `ipw` and `dr`.
///
/// Of all softmax-linear policies `pi(a|x) ~ exp(theta_a' phi(x))` the one that maximises an off-policy estimate of its own value, less a
/// ridge: the self-normalised inverse propensity score for `ipw` (Swaminathan & Joachims 2015; self-normalised because the plain score
/// prefers policies whose weights happen to be large), the doubly robust value with a cross-fitted reward model for `dr`
/// (Dudik, Langford & Li 2011). What is served are the scores `theta_a' phi(x)`, as a softmax with a temperature or as their largest.
///
/// The ridge is lambda / (2 n) |theta|^2 against a mean reward in standard deviations: with the default of 1 right for some hundred rows a
/// coefficient. With many arms and few rows an `ipw` policy fits the noise of the weights; raise `ridge` there.
///
/// An arm without rows in the log has no estimate and is never chosen beyond the floor. The maximum is chosen on the rows, so the estimate
/// on them flatters it: evaluate it on later ones.
package struct OfflinePolicy: Policy {
    package let armCount: Int
    /// theta, arm by arm, each block ending with the intercept.
    private let coefficients: [[Double]]
    /// Whether the log had rows of the arm.
    private let isSupported: [Bool]
    private let representation: Representation
    private let floor: Double
    private let temperature: Double?

    /// Learns the policy. O(n K d) a step of at most 300, and for `dr` five fits of the reward model.
    ///
    /// `configuration` gives `algorithm` (`ipw` or `dr`), `ridge`, `floor`, `temperature`, and for `dr` the `model` of the reward: ridge
    /// regression or a network, cross-fitted over five folds of units (of rows where a row has none).
    /// - Throws: `PoliciesError` where a row has no propensity or cannot be, or where there is no row; what the network's trainer throws.
    package init(
        maximising configuration: PolicyConfiguration, schema: FeatureSchema, armCount: Int, on interactions: [Interaction]
    ) throws {
        precondition(configuration.algorithm.isLearnedOffline, "only ipw and dr are learned from a whole log")
        let name = configuration.algorithm.rawValue
        guard !interactions.isEmpty else { throw PoliciesError.noRows(what: name) }
        for (row, interaction) in interactions.enumerated() {
            guard let propensity = interaction.propensity, propensity > 0, propensity <= 1 + 1e-9 else {
                throw PoliciesError.propensityMissing(row: row, algorithm: name)
            }
            if let eligible = interaction.eligible, !eligible.contains(interaction.arm) {
                throw PoliciesError.armNotEligible(row: row, arm: interaction.arm)
            }
        }
        let rows = try EncodedRows(interactions, schema: schema, armCount: armCount)
        let ordered = rows.order.map { interactions[$0] }
        var isSupported = [Bool](repeating: false, count: armCount)
        for arm in rows.arms { isSupported[arm] = true }
        var estimates: [Double]?
        if configuration.algorithm == .dr {
            estimates = try Self.crossFittedEstimates(configuration, schema: schema, armCount: armCount, on: ordered)
        }
        let objective = OfflineObjective(
            rows, ordered, isSupported: isSupported, estimates: estimates, ridge: configuration.ridge)
        let start = [Double](repeating: 0, count: objective.parameterCount)
        let minimum = try LBFGS(stepLimit: 300, tolerance: 1e-6, leastProgress: Self.leastProgress).minimise(from: start) {
            theta, gradient in
            try Task.checkCancellation()
            return objective(theta, &gradient)
        }
        self.armCount = armCount
        coefficients = objective.blocks(of: minimum.point)
        self.isSupported = isSupported
        representation = Representation(contextOf: rows, schema: schema)
        floor = configuration.floor
        temperature = configuration.temperature
    }

    package func distribution(over eligible: [Int], in context: Context) -> ArmDistribution {
        let phi = representation.phi(context)
        let floor = min(max(0, floor), 1 / Double(eligible.count))
        var weights = [Double](repeating: 0, count: armCount)
        var largest = -Double.infinity
        for arm in eligible where isSupported[arm] {
            weights[arm] = dot(coefficients[arm], phi)
            largest = max(largest, weights[arm])
        }
        for arm in eligible {
            guard isSupported[arm] else { continue }
            if let temperature {
                weights[arm] = ElementaryFunctions.exp((weights[arm] - largest) / temperature)
            } else {
                weights[arm] = weights[arm] == largest ? 1 : 0
            }
        }
        return ArmDistribution(weights: weights, floor: floor, eligible: eligible)
    }

    /// q of every row and arm, row-major, each from a model that never saw the row's unit.
    private static func crossFittedEstimates(
        _ configuration: PolicyConfiguration, schema: FeatureSchema, armCount: Int, on interactions: [Interaction]
    ) throws -> [Double] {
        let trainer: any RewardModelTrainer =
            configuration.model.kind == .mlp
            ? NeuralRewardTrainer(schema: schema, model: configuration.model, seed: configuration.seed)
            : LinearRewardTrainer(schema: schema, ridge: configuration.ridge)
        let folds = interactions.enumerated().map { UnitFold.fold(of: $1.unit, row: $0, count: foldCount) }
        var result = [Double](repeating: 0, count: interactions.count * armCount)
        var estimates = [Double](repeating: 0, count: armCount)
        for excluded in 0..<foldCount {
            try Task.checkCancellation()
            let training = zip(interactions, folds).filter { $1 != excluded }.map(\.0)
            let model = try trainer.train(on: training, armCount: armCount)
            for row in folds.indices where folds[row] == excluded {
                model.estimate(in: interactions[row].context, into: &estimates)
                for arm in 0..<armCount { result[row * armCount + arm] = estimates[arm] }
            }
        }
        return result
    }

    private static let foldCount = 5
    /// Standard deviations of the reward that ten steps must gain: a thousandth of what a log of a million rows could tell apart.
    private static let leastProgress = 1e-6
}
