import HaggleCore
import HaggleMath
import Learning
import Policies
import Testing

struct FoldCheckTests {
    private func learner(rows: Int) throws -> PolicyLearner {
        var generator = SeededGenerator(seed: 12)
        let experiment = LearningLog.experiment()
        let interactions = (0..<rows).map { index in
            Interaction(
                time: LearningLog.start + Double(index), context: ["recency": .number(generator.normal()), "channel": .text("app")],
                arm: index % 3, propensity: nil, reward: 1e3 + generator.normal())
        }
        return try PolicyLearner.refit(experiment, experimentVersion: 1, interactions: interactions)
    }

    @Test func soundFoldPasses() throws {
        let prior = ServingSnapshot.initial(experiment: LearningLog.experiment(), experimentVersion: 1)
        #expect(FoldCheck.defect(of: prior, drift: 0) == nil)
        let learner = try learner(rows: 900)
        #expect(FoldCheck.defect(of: learner.snapshot(version: 2), drift: learner.drift) == nil)
    }

    @Test(arguments: [2e-3, .infinity, .nan]) func driftIsReported(_ drift: Double) throws {
        let snapshot = try learner(rows: 30).snapshot(version: 2)
        #expect(FoldCheck.defect(of: snapshot, drift: drift)?.contains("drifted") == true)
    }

    /// A sum that is no sum of any impressions: the normal equations cannot hold.
    @Test func brokenSumsAreReported() throws {
        let snapshot = try learner(rows: 300).snapshot(version: 2)
        var arms = snapshot.posterior.arms
        var gram = arms[1].gram
        let last = snapshot.posterior.dimension - 1
        gram[last, last] = -1e9
        arms[1] = try #require(
            RegressionSums(gram: gram, moment: arms[1].moment, squares: arms[1].squares, weight: arms[1].weight))
        let broken = ServingSnapshot(
            experiment: snapshot.experiment, version: 2, experimentVersion: 1, arms: snapshot.arms, controlIndex: snapshot.controlIndex,
            configuration: snapshot.configuration, representation: snapshot.representation,
            posterior: LinearPosterior(ridge: snapshot.posterior.ridge, arms: arms))
        #expect(FoldCheck.defect(of: broken, drift: 0)?.contains("'five'") == true)
    }
}
