package import HaggleCore
import HaggleMath

/// Ridge regression per arm on the encoded, scaled context with an intercept: the reward model `linear`.
///
/// With the weights omega and the reward r in units of its weighted mean c and standard deviation s over all rows, an arm's coefficients are
///
///     beta = (lambda I + sum omega phi phi')^-1 sum omega phi (r - c) / s        q(x) = c + s phi(x)' beta
///
/// Rewards are centred on the mean of all arms, so that the ridge draws an arm's intercept there and its slopes to 0. An arm with fewer
/// than two rows a coefficient gets its shrunken mean instead.
package struct LinearRewardTrainer: RewardModelTrainer {
    package let name = "linear"
    package let schema: FeatureSchema
    /// Precision lambda of the prior, in standardised units.
    package let ridge: Double

    /// - Precondition: `ridge > 0`.
    package init(schema: FeatureSchema, ridge: Double = 1) {
        precondition(ridge > 0, "the ridge must be above 0")
        self.schema = schema
        self.ridge = ridge
    }

    package func train(on interactions: [Interaction], armCount: Int) throws -> any RewardModel {
        train(on: try EncodedRows(interactions, schema: schema, armCount: armCount), armCount: armCount)
    }

    package func train(on interactions: [Interaction], weights: [Double], armCount: Int) throws -> any RewardModel {
        train(on: try EncodedRows(interactions, weights: weights, schema: schema, armCount: armCount), armCount: armCount)
    }

    private func train(on rows: EncodedRows, armCount: Int) -> LinearRewardModel {
        let means = ShrunkenMeans(rows, armCount: armCount)
        let representation = Representation(contextOf: rows, schema: schema)
        let posterior = LinearPosterior(of: rows, in: representation, armCount: armCount, ridge: ridge)
        let scale = posterior.rewardScale
        let arms = (0..<armCount).map { arm in
            if rows.width == 0 || means.counts[arm] < 2 * posterior.dimension { return LinearRewardModel.Arm.mean(means.values[arm]) }
            let factor = posterior.factor(arm: arm)
            return .regression(posterior.estimate(arm: arm, factor: factor, scale: scale, variance: 0).coefficients)
        }
        return LinearRewardModel(representation: representation, scale: scale, arms: arms)
    }
}

/// For each arm a number or a linear function of the encoded context.
struct LinearRewardModel: RewardModel {
    enum Arm {
        case mean(Double)
        /// Coefficients of phi for the standardised reward.
        case regression([Double])
    }

    let representation: Representation
    let scale: RewardScale
    let arms: [Arm]

    func estimate(in context: Context, into estimates: inout [Double]) {
        let phi = representation.phi(context)
        for (index, arm) in arms.enumerated() {
            switch arm {
            case .mean(let mean): estimates[index] = mean
            case .regression(let coefficients): estimates[index] = scale.centre + scale.scale * dot(coefficients, phi)
            }
        }
    }
}

/// The inner product of two vectors of one length, summed from the first element on.
func dot(_ left: [Double], _ right: [Double]) -> Double {
    var sum = 0.0
    for index in left.indices { sum += left[index] * right[index] }
    return sum
}

extension Representation {
    /// The encoded context of rows and a 1; the 1 alone where there are no features.
    init(contextOf rows: EncodedRows, schema: FeatureSchema) {
        guard
            let fitted = Representation(
                basis: rows.width > 0 ? .context : .intercept, schema: schema, encoder: rows.encoder, scaling: rows.scaling, network: nil)
        else { preconditionFailure("parts fitted to the same rows fit together") }
        self = fitted
    }
}

extension LinearPosterior {
    /// The weighted sums of rows.
    init(of rows: EncodedRows, in representation: Representation, armCount: Int, ridge: Double) {
        self.init(dimension: representation.dimension, armCount: armCount, ridge: ridge)
        for row in 0..<rows.count {
            add(representation.phi(ofInput: rows[row]), arm: rows.arms[row], reward: rows.rewards[row], weight: rows.weights[row])
        }
    }
}
