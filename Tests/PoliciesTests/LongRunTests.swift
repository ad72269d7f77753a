import Foundation
import HaggleCore
import HaggleMath
import Testing

@testable import Policies

/// The running factors after very many updates, against factors of the sums themselves.
@Suite struct LongRunTests {
    private static let isLong = ProcessInfo.processInfo.environment["HAGGLE_SOAK"] != nil

    struct Shape: Sendable, CustomTestStringConvertible {
        let arms: Int
        let dimension: Int
        /// Of the quick form; the long one plays a million over all shapes of few dimensions.
        let updates: Int
        var testDescription: String { "\(arms) arms, \(dimension) dimensions" }
    }

    /// Columns: an ordinary one, its double (collinear), a constant, one of size 1e3, the rest ordinary, and the final 1. Rewards of the given
    /// size. Drift stays below 1e-6 (the check that guards publication is 1e-3), every probability is a number, and the running factors give
    /// what a snapshot of the sums gives.
    @Test(
        arguments: [
            Shape(arms: 1, dimension: 1, updates: 5000), Shape(arms: 6, dimension: 20, updates: 20_000),
            Shape(arms: 50, dimension: 8, updates: 20_000), Shape(arms: 2, dimension: 512, updates: 300),
        ], [1.0, 1e6, 1e-6])
    func factorsStayWithTheSums(shape: Shape, size: Double) {
        var generator = SeededGenerator(seed: 5)
        var posterior = LinearPosterior(dimension: shape.dimension, armCount: shape.arms, ridge: 1)
        var factors = PosteriorFactors(of: posterior)
        let updates = Self.isLong && shape.dimension < 100 ? 1_000_000 : shape.updates
        var phi = [Double](repeating: 1, count: shape.dimension)
        for _ in 0..<updates {
            for column in 0..<(shape.dimension - 1) {
                phi[column] = column == 1 ? 2 * phi[0] : column == 2 ? 0.7 : column == 3 ? 1e3 * generator.normal() : generator.normal()
            }
            let arm = Int(generator.uniform() * Double(shape.arms))
            posterior.add(phi, arm: arm, reward: size * (phi[0] + generator.normal()))
            factors.update(phi, arm: arm, weight: 1, posterior: posterior)
        }
        factors.refactor(posterior)
        #expect(factors.drift < 1e-6)
        let scale = posterior.rewardScale
        for arm in 0..<shape.arms {
            let estimate = posterior.estimate(arm: arm, factor: factors.factors[arm], scale: scale, variance: nil)
            #expect(estimate.coefficients.allSatisfy { $0.isFinite })
            // The reward is phi_0 (or its twin) plus noise of standard deviation 1, standardised by about sqrt 2: v^2 near 1/2. Bounds are wide
            // because an arm of 50 has few rows in the quick form.
            if shape.dimension > 1, posterior.arms[arm].weight > 300 { #expect((0.3...0.75).contains(estimate.noiseVariance)) }
        }
    }
}
