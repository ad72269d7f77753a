import HaggleCore
import HaggleMath
import Policies
import Testing

/// Two normal classes at +-(1, 1) with unit variance in two columns, and a third column of noise. The best rule, the sign of the sum, is right
/// with probability Phi(sqrt 2) = .9214.
private func twoClouds(_ count: Int, seed: UInt64 = 1) -> LabelledRows {
    var generator = SeededGenerator(seed: seed)
    var contexts: [Float] = []
    var labels: [Int] = []
    for _ in 0..<count {
        let label = generator.uniform() < 0.5 ? 0 : 1
        let sign = label == 0 ? -1.0 : 1.0
        contexts += [Float(1000 + 50 * (sign + generator.normal())), Float(sign + generator.normal()), Float(generator.normal())]
        labels.append(label)
    }
    return LabelledRows(width: 3, contexts: contexts, labels: labels, arms: ["left", "right"])
}

/// Two classes that no line tells apart: the sign of a product.
private func crossed(_ count: Int) -> LabelledRows {
    var generator = SeededGenerator(seed: 5)
    var contexts: [Float] = []
    var labels: [Int] = []
    for _ in 0..<count {
        let (a, b) = (generator.normal(), generator.normal())
        contexts += [Float(a), Float(b)]
        labels.append(a * b > 0 ? 1 : 0)
    }
    return LabelledRows(width: 2, contexts: contexts, labels: labels, arms: ["other", "same"])
}

private func play(
    _ rows: LabelledRows, _ algorithm: PolicyConfiguration.Algorithm, order: [Int]? = nil, seed: UInt64 = 1
) async throws -> BakeoffRun.Result {
    try await BakeoffRun(
        rows: rows, order: order ?? Array(0..<rows.count), configuration: PolicyConfiguration(algorithm: algorithm), seed: seed)()
}

@Suite struct BakeoffTests {
    /// 3 000 rounds: a standard error of .005, and some .02 for what is lost while learning. Algorithms that keep exploring get less.
    @Test(arguments: [
        (PolicyConfiguration.Algorithm.auto, 0.89), (.linearUCB, 0.89), (.linearThompson, 0.89), (.greedy, 0.89), (.neuralThompson, 0.87),
        (.epsilonGreedy, 0.84), (.topTwoThompson, 0.65), (.softmax, 0.85), (.squareCB, 0.80),
    ])
    func algorithmsNearTheBestRule(algorithm: PolicyConfiguration.Algorithm, least: Double) async throws {
        let result = try await play(twoClouds(3000), algorithm)
        #expect(result.averageReward > least, "\(algorithm.rawValue): \(result.averageReward)")
        #expect(result.averageReward < 0.9214 + 4 * 0.0049)
    }

    /// Without contexts nobody does better than a coin: half, within four standard errors of .0091.
    @Test(arguments: [PolicyConfiguration.Algorithm.uniform, .bernoulliThompson])
    func whoReadsNoContextEarnsHalf(algorithm: PolicyConfiguration.Algorithm) async throws {
        let result = try await play(twoClouds(3000), algorithm)
        #expect(abs(result.averageReward - 0.5) < 4 * 0.0091)
        if algorithm == .uniform { #expect(result.expectedReward == 0.5) }
    }

    @Test func autoTakesTheNetworkWhereNoLineTells() async throws {
        let rows = crossed(4000)
        let linear = try await play(rows, .linearUCB)
        let auto = try await play(rows, .auto)
        #expect(linear.averageReward < 0.6)
        #expect(auto.averageReward > 0.85, "\(auto.averageReward)")
    }

    /// The draws' luck: rewards less their probabilities sum to a martingale with a variance below n/4.
    @Test func expectedRewardIsTheMeanProbabilityOfTheRightArm() async throws {
        let result = try await play(twoClouds(2000), .epsilonGreedy)
        #expect(abs(result.averageReward - result.expectedReward) < 4 * 0.5 / 2000.squareRoot())
        #expect(result.averageReward != result.expectedReward)
        #expect(result.curve.count == 100)
        #expect(result.curve.last == result.averageReward)
    }

    @Test(arguments: [PolicyConfiguration.Algorithm.auto, .neuralThompson, .linearUCB])
    func theFutureChangesNothingInThePast(algorithm: PolicyConfiguration.Algorithm) async throws {
        let rows = twoClouds(900)
        let whole = try await play(rows, algorithm)
        let other = try await play(rows, algorithm, order: Array(0..<500) + (500..<900).reversed())
        #expect(whole.played.prefix(500) == other.played.prefix(500))
        #expect(whole.played != other.played)
    }

    @Test func equalSeedsGiveEqualBits() async throws {
        let rows = twoClouds(600)
        let first = try await play(rows, .auto, seed: 3)
        let second = try await play(rows, .auto, seed: 3)
        let third = try await play(rows, .auto, seed: 4)
        #expect(first.played == second.played && first.expectedReward == second.expectedReward && first.curve == second.curve)
        #expect(first.played != third.played)
    }

    /// A constant column, a copy of another, one that is huge and one that is tiny.
    @Test func uselessColumnsDoNoHarm() async throws {
        let plain = twoClouds(2000)
        var contexts: [Float] = []
        for row in 0..<plain.count {
            let x = Array(plain.contexts[row * 3..<row * 3 + 3])
            contexts += x + [7, x[1], x[2] * 1e30, x[0] * 1e-30]
        }
        let rows = LabelledRows(width: 7, contexts: contexts, labels: plain.labels, arms: plain.arms)
        let result = try await play(rows, .auto)
        #expect(result.averageReward > 0.88, "\(result.averageReward)")
    }

    @Test func oneClassAndNoColumnsAreGames() async throws {
        let one = LabelledRows(width: 1, contexts: [1, 2, 3], labels: ["a", "a", "a"])
        #expect(try await play(one, .auto).averageReward == 1)
        let none = LabelledRows(width: 0, contexts: [], labels: (0..<400).map { $0 % 10 == 0 ? "b" : "a" })
        #expect(try await play(none, .auto).averageReward > 0.8)
    }

    @Test func whatIsLearnedFromALogAsAWholeIsRefused() async {
        await #expect(throws: PoliciesError.notIncremental(algorithm: "ipw")) { try await play(twoClouds(10), .ipw) }
    }

    @Test func classesAreArmsInTheOrderOfTheirNumbers() {
        let rows = LabelledRows(width: 0, contexts: [], labels: ["10", "9", "-1", "9"])
        #expect(rows.arms == ["-1", "9", "10"])
        #expect(rows.labels == [2, 1, 0, 1])
        #expect(LabelledRows(width: 0, contexts: [], labels: ["b", "10", "a"]).arms == ["10", "a", "b"])
    }

    @Test func aBakeoffIsTheMeanOfItsGamesHoweverManyRunAtATime() async throws {
        let rows = twoClouds(400)
        let orders = [Array(0..<400), Array((0..<400).reversed())]
        func bakeoff(_ concurrency: Int) async throws -> BakeoffReport {
            try await Bakeoff(
                rows: rows, orders: orders,
                contestants: [
                    .init(name: "a", configuration: PolicyConfiguration(algorithm: .linearThompson)),
                    .init(name: "u", configuration: PolicyConfiguration(algorithm: .uniform)),
                ], seeds: [1, 2])(concurrency: concurrency)
        }
        let one = try await bakeoff(1)
        let four = try await bakeoff(4)
        #expect(one.rounds == 400 && one.arms == 2 && one.policies.map(\.policy) == ["a", "u"])
        for (entry, other) in zip(one.policies, four.policies) {
            #expect(entry.games == other.games && entry.curve == other.curve)
            #expect(entry.games.map(\.order) == [0, 0, 1, 1] && entry.games.map(\.seed) == [1, 2, 1, 2])
            #expect(abs(entry.averageReward - entry.games.map(\.averageReward).reduce(0, +) / 4) < 1e-12)
            #expect(entry.roundsPerSecond > 0)
        }
        #expect(one.curveRounds.first == 4 && one.curveRounds.last == 400)
    }
}
