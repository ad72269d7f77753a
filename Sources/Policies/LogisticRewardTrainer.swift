package import HaggleCore
import HaggleMath

/// Ridge-penalised logistic regression per arm on the encoded, scaled context with an intercept: the reward model `logistic`, for rewards
/// that are 0 or 1.
///
/// An arm's coefficients maximise, with weights omega and eta = o + phi' beta,
///
///     sum omega [r eta - log(1 + e^eta)] - lambda/2 |beta|^2        q(x) = 1 / (1 + e^-(o + phi(x)' beta))
///
/// o is the log odds of a reward over all arms, `log((S + 1/2) / (N - S + 1/2))` with S the weight of the ones and N of all rows; so the
/// ridge draws an arm's intercept to the rate of all arms and its slopes to 0, and separable data have a finite answer. Found by
/// Newton's method (iteratively reweighted least squares) with halved steps; the objective is strictly concave, so there is one. An arm
/// with fewer than two rows a coefficient gets its shrunken mean instead.
package struct LogisticRewardTrainer: RewardModelTrainer {
    package let name = "logistic"
    package let schema: FeatureSchema
    /// Precision lambda of the prior.
    package let ridge: Double

    /// - Precondition: `ridge > 0`.
    package init(schema: FeatureSchema, ridge: Double = 1) {
        precondition(ridge > 0, "the ridge must be above 0")
        self.schema = schema
        self.ridge = ridge
    }

    /// - Throws: also `PoliciesError.rewardNotBinary` for a reward that is neither 0 nor 1.
    package func train(on interactions: [Interaction], armCount: Int) throws -> any RewardModel {
        try check(interactions)
        return train(on: try EncodedRows(interactions, schema: schema, armCount: armCount), armCount: armCount)
    }

    package func train(on interactions: [Interaction], weights: [Double], armCount: Int) throws -> any RewardModel {
        try check(interactions)
        return train(on: try EncodedRows(interactions, weights: weights, schema: schema, armCount: armCount), armCount: armCount)
    }

    private func check(_ interactions: [Interaction]) throws(PoliciesError) {
        for (row, interaction) in interactions.enumerated() where interaction.reward.isFinite {
            guard interaction.reward == 0 || interaction.reward == 1 else { throw .rewardNotBinary(row: row) }
        }
    }

    private func train(on rows: EncodedRows, armCount: Int) -> LogisticRewardModel {
        let means = ShrunkenMeans(rows, armCount: armCount)
        let representation = Representation(contextOf: rows, schema: schema)
        var total = 0.0
        var ones = 0.0
        var regressions = [LogisticRegression](
            repeating: LogisticRegression(dimension: representation.dimension, ridge: ridge), count: armCount)
        for row in 0..<rows.count {
            total += rows.weights[row]
            ones += rows.weights[row] * rows.rewards[row]
            regressions[rows.arms[row]].add(
                representation.phi(ofInput: rows[row]), isOne: rows.rewards[row] == 1, weight: rows.weights[row])
        }
        let offset = ElementaryFunctions.log((ones + 0.5) / (total - ones + 0.5))
        let arms = (0..<armCount).map { arm in
            if rows.width == 0 || means.counts[arm] < 2 * representation.dimension {
                return LogisticRewardModel.Arm.mean(means.values[arm])
            }
            return .regression(regressions[arm].coefficients(offset: offset))
        }
        return LogisticRewardModel(representation: representation, offset: offset, arms: arms)
    }
}

private struct LogisticRewardModel: RewardModel {
    enum Arm {
        case mean(Double)
        /// beta.
        case regression([Double])
    }

    let representation: Representation
    let offset: Double
    let arms: [Arm]

    func estimate(in context: Context, into estimates: inout [Double]) {
        let phi = representation.phi(context)
        for (index, arm) in arms.enumerated() {
            switch arm {
            case .mean(let mean): estimates[index] = mean
            case .regression(let coefficients): estimates[index] = ElementaryFunctions.logistic(offset + dot(coefficients, phi))
            }
        }
    }
}
