package import HaggleCore
import HaggleMath

/// An estimate of the policy that made a log without propensities: multinomial logistic regression of the arm on the encoded context.
///
/// theta maximises
///
///     sum_i log pi(a_i|x_i) - lambda/2 |theta|^2,    pi(a|x) = exp(theta_a' phi(x)) / sum over eligible b of exp(theta_b' phi(x))
///
/// with the sum over the row's eligible arms; a strictly concave problem, solved by L-BFGS. The ridge falls on slopes and intercepts.
///
/// Estimated propensities are never the same as logged ones: whatever moved the choice and is not in the context (time, stock, a person's
/// judgement) is not in them, and then no estimate that weights by them is unbiased. So they are used on explicit request only, fitted without
/// the unit whose rows they weight, and shown with their calibration (`PropensityCalibration`).
package struct PropensityModel: Policy {
    package let armCount: Int
    /// Whether the optimisation came down to its tolerance.
    package let isConverged: Bool
    private let coefficients: [[Double]]
    private let representation: Representation

    /// Fits the model. O(n K d) a step of at most 500.
    /// - Parameter ridge: lambda, in units of scaled columns.
    /// - Throws: `PoliciesError` for a row that cannot be, or where there is none.
    /// - Precondition: `ridge > 0`.
    package init(fittedTo interactions: [Interaction], schema: FeatureSchema, armCount: Int, ridge: Double = 1) throws {
        precondition(ridge > 0, "the ridge must be above 0")
        guard !interactions.isEmpty else { throw PoliciesError.noRows(what: "the propensity model") }
        let rows = try EncodedRows(interactions, schema: schema, armCount: armCount)
        let ordered = rows.order.map { interactions[$0] }
        for (place, row) in ordered.enumerated() {
            if let eligible = row.eligible, !eligible.contains(row.arm) {
                throw PoliciesError.armNotEligible(row: rows.order[place], arm: row.arm)
            }
        }
        let scores = SoftmaxScores(rows, ordered, isSupported: [Bool](repeating: true, count: armCount))
        let minimum = try LBFGS(stepLimit: 500, tolerance: 1e-7 * Double(rows.count)).minimise(
            from: [Double](repeating: 0, count: scores.parameterCount)
        ) { theta, gradient in
            try Task.checkCancellation()
            return scores.negatedLogLikelihood(theta, ridge: ridge, &gradient)
        }
        self.armCount = armCount
        isConverged = minimum.isConverged
        coefficients = scores.blocks(of: minimum.point)
        representation = Representation(contextOf: rows, schema: schema)
    }

    /// The estimated propensities of the eligible arms; all above 0.
    package func distribution(over eligible: [Int], in context: Context) -> ArmDistribution {
        let phi = representation.phi(context)
        var weights = [Double](repeating: 0, count: armCount)
        var largest = -Double.infinity
        for arm in eligible {
            weights[arm] = dot(coefficients[arm], phi)
            largest = max(largest, weights[arm])
        }
        for arm in eligible { weights[arm] = ElementaryFunctions.exp(weights[arm] - largest) }
        return ArmDistribution(weights: weights, floor: 0, eligible: eligible)
    }
}
