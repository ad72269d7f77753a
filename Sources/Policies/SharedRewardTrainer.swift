package import HaggleCore
import HaggleMath

/// One ridge regression for all arms on arm and context together: the reward model `shared`.
///
/// With psi(a) the arm's features (`ArmFeatures`) and phi(x) the encoded context, both ending with 1, the reward is regressed on every
/// product of the two:
///
///     q(x, a) = c + s (psi(a) (x) phi(x))' beta        beta = (lambda I + sum omega z z')^-1 sum omega z (r - c) / s,  z = psi (x) phi
///
/// So an arm that was never tried borrows from its neighbours in depth, for this context; an arm without a discount that was never tried gets
/// what all arms have in common. Because z is a Kronecker product, the sums over rows are kept per arm in the size of phi, and the large
/// matrix `sum over arms of psi psi' (x) G_a` is put together once: O(n d^2 + K (m d)^2 + (m d)^3 / 3) for m arm features and d columns.
package struct SharedRewardTrainer: RewardModelTrainer {
    package let name = "shared"
    package let schema: FeatureSchema
    /// Precision lambda of the prior, in standardised units.
    package let ridge: Double
    private let features: ArmFeatures

    /// - Parameter arms: the table of arms that the interactions point into, with their discounts.
    /// - Precondition: at least one arm, `ridge > 0`.
    package init(schema: FeatureSchema, arms: [Arm], ridge: Double = 1) {
        precondition(ridge > 0, "the ridge must be above 0")
        precondition(!arms.isEmpty, "a shared model needs an arm")
        self.schema = schema
        self.ridge = ridge
        features = ArmFeatures(arms)
    }

    /// - Precondition: `armCount` is the number of arms the trainer was made for.
    package func train(on interactions: [Interaction], armCount: Int) throws -> any RewardModel {
        train(on: try EncodedRows(interactions, schema: schema, armCount: armCount), armCount: armCount)
    }

    /// - Precondition: `armCount` is the number of arms the trainer was made for.
    package func train(on interactions: [Interaction], weights: [Double], armCount: Int) throws -> any RewardModel {
        train(on: try EncodedRows(interactions, weights: weights, schema: schema, armCount: armCount), armCount: armCount)
    }

    private func train(on rows: EncodedRows, armCount: Int) -> LinearRewardModel {
        precondition(armCount == features.rows.count, "a shared model is fitted to the arms that its trainer was made for")
        let representation = Representation(contextOf: rows, schema: schema)
        let sums = LinearPosterior(of: rows, in: representation, armCount: armCount, ridge: ridge)
        let scale = sums.rewardScale
        let width = sums.dimension
        let count = features.dimension
        let gram = ArmKernel.assembledGram(of: sums.arms, rows: features.rows)
        let moment = ArmKernel.assembledMoment(of: sums.arms, rows: features.rows, scale: scale)
        let beta = Cholesky(of: gram, ridge: ridge).solve(moment)
        let arms = features.rows.map { psi in
            let coefficients = (0..<width).map { column in
                var sum = 0.0
                for j in 0..<count { sum += psi[j] * beta[j * width + column] }
                return sum
            }
            return LinearRewardModel.Arm.regression(coefficients)
        }
        return LinearRewardModel(representation: representation, scale: scale, arms: arms)
    }
}
