package import HaggleCore
import HaggleMath

/// One algorithm plays labelled rows in one order: reward 1 for the right arm, else 0, seen for the played arm only.
package struct BakeoffRun: Sendable {
    package let rows: LabelledRows
    /// Positions of the rows to play, in order.
    package let order: [Int]
    package let configuration: PolicyConfiguration
    /// Of the draws and of the learner.
    package let seed: UInt64

    package init(rows: LabelledRows, order: [Int], configuration: PolicyConfiguration, seed: UInt64) {
        precondition(order.allSatisfy { (0..<rows.count).contains($0) }, "the order names rows that are there")
        self.rows = rows
        self.order = order
        self.configuration = configuration
        self.seed = seed
    }

    /// What a run earned.
    package struct Result: Sendable {
        /// Mean reward of the arms drawn.
        package var averageReward: Double
        /// Mean probability that the algorithm gave to the right arm: the same without the luck of the draws.
        package var expectedReward: Double
        /// Processor-bound wall time of the game.
        package var seconds: Double
        /// Mean reward up to and including the rounds at the ends of `curveLength` even parts of the game.
        package var curve: [Double]
        /// The arm drawn in each round.
        package var played: [Int]
    }

    /// Points of a curve, fewer where there are fewer rounds.
    package static let curveLength = 100

    /// The rounds after which a curve of a game of so many has its points.
    package static func curveRounds(_ rounds: Int) -> [Int] {
        let length = min(curveLength, rounds)
        return (1...max(1, length)).prefix(length).map { $0 * rounds / length }
    }

    /// Plays all rounds.
    /// - Parameter progress: called after each hundredth of the game with the rounds played since the last call.
    /// - Throws: `PoliciesError.notIncremental`; `CancellationError`.
    @concurrent
    package func callAsFunction(progress: (@Sendable (Int) -> Void)? = nil) async throws -> Result {
        let start = ContinuousClock.now
        var learner = try OnlineLearner(configuration, width: rows.width, arms: rows.arms, seed: seed)
        var generator = SeededGenerator(seed: seed, stream: 0x6261_6b65_6f66_6600)  // "bakeoff"
        var result = Result(averageReward: 0, expectedReward: 0, seconds: 0, curve: [], played: [])
        let ends = Self.curveRounds(order.count)
        var (total, expected) = (0.0, CompensatedSum())
        for (round, row) in order.enumerated() {
            let distribution = learner.choose(rows.context(at: row))
            let arm = distribution.draw(generator.uniform())
            let reward = arm == rows.labels[row] ? 1.0 : 0.0
            total += reward
            expected += distribution[rows.labels[row]]
            result.played.append(arm)
            try learner.learn(arm: arm, reward: reward)
            if result.curve.count < ends.count, round + 1 == ends[result.curve.count] {
                progress?(round + 1 - (result.curve.isEmpty ? 0 : ends[result.curve.count - 1]))
                result.curve.append(total / Double(round + 1))
                try Task.checkCancellation()
            }
        }
        result.averageReward = total / Double(max(1, order.count))
        result.expectedReward = expected.value / Double(max(1, order.count))
        let elapsed = (ContinuousClock.now - start).components
        result.seconds = Double(elapsed.seconds) + Double(elapsed.attoseconds) * 1e-18
        return result
    }
}
