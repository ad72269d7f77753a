package import HaggleCore
import HaggleMath

/// Ridge regression per arm on the encoded, scaled context with an intercept: the reward model `linear`.
///
/// Rewards are centred on the mean of all arms, so that the ridge draws an arm's intercept there and its slopes to 0. An arm with fewer
/// than two rows a coefficient gets its shrunken mean instead.
package struct LinearRewardTrainer: RewardModelTrainer {
    package let name = "linear"
    package let schema: FeatureSchema
    /// Precision of the prior, in standardised units.
    package let ridge: Double

    /// - Precondition: `ridge > 0`.
    package init(schema: FeatureSchema, ridge: Double = 1) {
        precondition(ridge > 0, "the ridge must be above 0")
        self.schema = schema
        self.ridge = ridge
    }

    package func train(on interactions: [Interaction], armCount: Int) throws -> any RewardModel {
        let rows = try EncodedRows(interactions, schema: schema, armCount: armCount)
        let means = ShrunkenMeans(rows, armCount: armCount)
        let basis: Representation.Basis = rows.width > 0 ? .context : .intercept
        guard
            let representation = Representation(
                basis: basis, schema: schema, encoder: rows.encoder, scaling: rows.scaling, network: nil)
        else { preconditionFailure("parts fitted to the same rows fit together") }
        var posterior = LinearPosterior(dimension: representation.dimension, armCount: armCount, ridge: ridge)
        for row in 0..<rows.count {
            posterior.add(representation.phi(ofInput: rows[row]), arm: rows.arms[row], reward: rows.rewards[row])
        }
        let scale = posterior.rewardScale
        let arms = (0..<armCount).map { arm in
            if basis == .intercept || means.counts[arm] < 2 * posterior.dimension { return LinearRewardModel.Arm.mean(means.values[arm]) }
            let factor = posterior.factor(arm: arm)
            return .regression(posterior.estimate(arm: arm, factor: factor, scale: scale, variance: 0))
        }
        return LinearRewardModel(representation: representation, scale: scale, arms: arms)
    }
}

private struct LinearRewardModel: RewardModel {
    enum Arm {
        case mean(Double)
        case regression(ArmEstimate)
    }

    let representation: Representation
    let scale: RewardScale
    let arms: [Arm]

    func estimate(in context: Context, into estimates: inout [Double]) {
        let phi = representation.phi(context)
        for (index, arm) in arms.enumerated() {
            switch arm {
            case .mean(let mean): estimates[index] = mean
            case .regression(let estimate): estimates[index] = scale.centre + scale.scale * estimate.mean(phi)
            }
        }
    }
}
