/// What a bakeoff found, as it is printed: `haggle bakeoff --format json` is this value.
package struct BakeoffReport: Hashable, Sendable, Codable {
    /// One algorithm, the mean over its games.
    package struct Entry: Hashable, Sendable, Codable {
        package struct Game: Hashable, Sendable, Codable {
            /// Position of the order among those given, from 0.
            package var order: Int
            package var seed: UInt64
            package var averageReward: Double
            package var expectedReward: Double
            package var curve: [Double]

            private enum CodingKeys: String, CodingKey {
                case order, seed, curve
                case averageReward = "average_reward"
                case expectedReward = "expected_reward"
            }
        }

        package var policy: String
        package var averageReward: Double
        package var expectedReward: Double
        /// Of one game.
        package var seconds: Double
        package var roundsPerSecond: Double
        /// Mean reward so far at the ends of even parts of the game; the last is `averageReward`.
        package var curve: [Double]
        package var games: [Game]

        private enum CodingKeys: String, CodingKey {
            case policy, seconds, curve, games
            case averageReward = "average_reward"
            case expectedReward = "expected_reward"
            case roundsPerSecond = "rounds_per_second"
        }
    }

    /// Rounds of each game.
    package var rounds: Int
    package var arms: Int
    package var policies: [Entry]
    /// The rounds after which the curves have their points.
    package var curveRounds: [Int]

    private enum CodingKeys: String, CodingKey {
        case rounds, arms, policies
        case curveRounds = "curve_rounds"
    }

    init(rounds: Int, arms: Int, policies: [Entry]) {
        self.rounds = rounds
        self.arms = arms
        self.policies = policies
        curveRounds = BakeoffRun.curveRounds(rounds)
    }
}

extension BakeoffReport.Entry {
    init(policy: String, games: [(order: Int, seed: UInt64, result: BakeoffRun.Result)], rounds: Int) {
        let count = Double(max(1, games.count))
        func mean(_ value: (BakeoffRun.Result) -> Double) -> Double { games.reduce(0) { $0 + value($1.result) } / count }
        self.policy = policy
        averageReward = mean(\.averageReward)
        expectedReward = mean(\.expectedReward)
        seconds = mean(\.seconds)
        roundsPerSecond = seconds > 0 ? Double(rounds) / seconds : 0
        curve = BakeoffRun.curveRounds(rounds).indices.map { point in mean { $0.curve[point] } }
        self.games = games.map {
            Game(
                order: $0.order, seed: $0.seed, averageReward: $0.result.averageReward, expectedReward: $0.result.expectedReward,
                curve: $0.result.curve)
        }
    }
}
