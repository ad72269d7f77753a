import Evaluation
import HaggleCore
import HaggleMath
import Testing

/// Looks at the context's kind: one row of probabilities for each.
private struct ByKind: Policy {
    var rows: [[Double]]
    var armCount: Int { rows[0].count }

    func distribution(over eligible: [Int], in context: Context) -> ArmDistribution {
        ArmDistribution(weights: rows[context["kind"] == .number(1) ? 1 : 0], floor: 0, eligible: eligible)
    }
}

/// Two kinds of context, equally likely; arm 0 was shown with probability .05 or .9 and earns 1 or 0; the policy always takes arm 0, so its
/// value is .5.
private struct TwoContexts {
    static let logging = ByKind(rows: [[0.05, 0.95], [0.9, 0.1]])
    static let target = EvaluatedPolicy("first", ByKind(rows: [[1, 0], [1, 0]]))

    static func log(_ count: Int, seed: UInt64, snapshots: Int = 1) -> [Interaction] {
        var generator = SeededGenerator(seed: seed)
        return (0..<count).map { index in
            let kind = generator.uniform() < 0.5 ? 0 : 1
            let context: Context = ["kind": .number(Double(kind))]
            let p = logging.distribution(over: [0, 1], in: context)
            let arm = p.draw(generator.uniform())
            return Interaction(
                context: context, arm: arm, propensity: p[arm], propensities: p.probabilities, reward: arm == 0 && kind == 0 ? 1 : 0,
                snapshot: SnapshotVersion(1 + index * snapshots / count))
        }
    }
}

struct AdaptiveWeightsTests {
    /// V over the contexts before a snapshot: the mean of 1 / .05 and 1 / .9 in the shares that were seen.
    @Test func variancesAreMeansOverEarlierContexts() throws {
        let rows = TwoContexts.log(4000, seed: 2, snapshots: 4)
        let policies = Dictionary(uniqueKeysWithValues: (1...4).map { (SnapshotVersion($0), TwoContexts.logging as any Policy) })
        var weights = AdaptiveWeights(
            policies: [TwoContexts.target, .logged], armCount: 2, snapshots: policies, contextCount: 5000, seed: 1)
        for (index, row) in rows.enumerated() {
            let variances = weights.variances(of: row)
            let found = try #require(variances)
            #expect(found[1] == 1)
            let first = index / 1000 * 1000
            let past = first == 0 ? rows[0...0] : rows[..<first]
            let expected = past.reduce(0) { $0 + ($1.context["kind"] == .number(0) ? 20 : 1 / 0.9) } / Double(past.count)
            #expect(agree(found[0], expected, within: 1e-10), "row \(index)")
        }
    }

    @Test func aSampleOfContextsIsNearAllOfThem() throws {
        let rows = TwoContexts.log(20_000, seed: 4, snapshots: 2)
        let policies = Dictionary(uniqueKeysWithValues: (1...2).map { (SnapshotVersion($0), TwoContexts.logging as any Policy) })
        var weights = AdaptiveWeights(policies: [TwoContexts.target], armCount: 2, snapshots: policies, seed: 1)
        var last = 0.0
        for row in rows {
            let variances = weights.variances(of: row)
            last = try #require(variances)[0]
        }
        // The truth is 10.56; a thousand contexts that give 20 or 1.1 have a standard error of 0.3.
        #expect(abs(last - 10.556) < 1.2)
    }

    /// Without the snapshot's policy its first row's propensities stand for every context: exact where it does not look at contexts.
    @Test func propensitiesOfRowsReplaceMissingPolicies() throws {
        let even = ByKind(rows: [[0.25, 0.75], [0.25, 0.75]])
        let rows = TwoContexts.log(100, seed: 1).map { row in
            var row = row
            row.propensities = [0.25, 0.75]
            row.propensity = row.arm == 0 ? 0.25 : 0.75
            return row
        }
        let target = EvaluatedPolicy("mixed", ByKind(rows: [[1, 0], [0.5, 0.5]]))
        var asked = AdaptiveWeights(policies: [target], armCount: 2, snapshots: [1: even], seed: 1)
        var read = AdaptiveWeights(policies: [target], armCount: 2, snapshots: [:], seed: 1)
        for row in rows { #expect(asked.variances(of: row) == read.variances(of: row)) }
        var neither = AdaptiveWeights(policies: [target], armCount: 2, snapshots: [:], seed: 1)
        var bare = rows[0]
        bare.propensities = nil
        #expect(neither.variances(of: bare) == nil)
    }

    /// A row's own variance weighs contexts by how well they were explored: it finds .19 where .5 is true. A snapshot's does not.
    @Test func weightsOfSnapshotsKeepThePopulationAndWeightsOfRowsDoNot() async throws {
        let rows = TwoContexts.log(20_000, seed: 9, snapshots: 8)
        let policies = Dictionary(uniqueKeysWithValues: (1...8).map { (SnapshotVersion($0), TwoContexts.logging as any Policy) })
        let options = EvaluationOptions(
            estimators: AdaptiveWeighting.allCases.map { AdaptivelyWeightedDoublyRobust(weighting: $0) }, isForced: true)
        let report = try await evaluate(
            source: InteractionList(arms: [Arm(key: "a"), Arm(key: "b")], rows: rows), policies: [TwoContexts.target], options: options,
            snapshots: policies)
        for estimate in report.policies[0].estimates {
            let (value, error) = (try #require(estimate.value), try #require(estimate.standardError))
            #expect(abs(value - 0.5) < 4 * error && error < 0.03, "\(estimate.estimator): \(value)")
        }
        // The wrong way, by hand: h of a row is 1 / sqrt(1 / p(0 | its own context)).
        var evaluator = try Evaluator(
            policies: [EvaluatedPolicy(name: "first", target: .given)], armCount: 2,
            options: EvaluationOptions(estimators: [AdaptivelyWeightedDoublyRobust(weighting: .stableVariance)], isForced: true))
        for row in rows {
            try await evaluator.add(
                EvaluationRow(
                    arm: row.arm, propensity: row.propensity, reward: row.reward, targets: [[1, 0]], pastEstimates: [0, 0],
                    snapshotVariances: [1 / (row.propensities?[0] ?? 1)]))
        }
        let wrong = try #require(try await evaluator.report().policies[0].estimates[0].value)
        #expect(abs(wrong - 0.19) < 0.02, "\(wrong)")
    }

    @Test func oneSnapshotMakesAllWeightingsEqual() async throws {
        let options = EvaluationOptions(
            estimators: AdaptiveWeighting.allCases.map { AdaptivelyWeightedDoublyRobust(weighting: $0) }, isForced: true)
        let report = try await evaluate(
            source: InteractionList(arms: [Arm(key: "a"), Arm(key: "b")], rows: TwoContexts.log(2000, seed: 3)),
            policies: [TwoContexts.target], options: options, snapshots: [1: TwoContexts.logging])
        let values = report.policies[0].estimates.compactMap(\.value)
        #expect(values.count == 3 && values.allSatisfy { agree($0, values[0], within: 1e-12) })
    }

    /// Two snapshots in shares of 3 to 1: the mixture is .75 p_1 + .25 p_2; a row of an unknown snapshot counts with its own.
    @Test func mixturesWeighSnapshotsByTheirRows() throws {
        let first = ByKind(rows: [[0.2, 0.8], [0.2, 0.8]])
        let second = ByKind(rows: [[0.6, 0.4], [0.6, 0.4]])
        func row(_ snapshot: SnapshotVersion?, arm: Int = 0) -> Interaction {
            Interaction(context: ["kind": .number(0)], arm: arm, propensity: 0.5, reward: 0, snapshot: snapshot)
        }
        var mixture = MixturePropensities(snapshots: [1: first, 2: second], armCount: 2)
        for index in 0..<400 { mixture.count(row(index < 300 ? 1 : 2)) }
        mixture.close()
        #expect(abs(try #require(mixture.propensity(of: row(1))) - 0.3) < 1e-12)
        #expect(abs(try #require(mixture.propensity(of: row(2, arm: 1))) - 0.7) < 1e-12)
        var partly = MixturePropensities(snapshots: [1: first], armCount: 2)
        for index in 0..<400 { partly.count(row(index < 300 ? 1 : 2)) }
        partly.close()
        #expect(abs(try #require(partly.propensity(of: row(2))) - (0.75 * 0.2 + 0.25 * 0.5)) < 1e-12)
    }

    /// 200 snapshots become at most 64 blocks whose shares add up to 1: the mixture of equal policies is that policy.
    @Test func manySnapshotsShareBlocks() throws {
        let policy = ByKind(rows: [[0.3, 0.7], [0.3, 0.7]])
        let policies = Dictionary(uniqueKeysWithValues: (1...200).map { (SnapshotVersion($0), policy as any Policy) })
        var mixture = MixturePropensities(snapshots: policies, armCount: 2)
        let rows = (0..<1000).map { Interaction(arm: 0, propensity: 0.3, reward: 0, snapshot: SnapshotVersion(1 + $0 % 200)) }
        for row in rows { mixture.count(row) }
        mixture.close()
        #expect(abs(try #require(mixture.propensity(of: rows[0])) - 0.3) < 1e-12)
        #expect(mixture.blockCount <= MixturePropensities.blockLimit && mixture.blockCount > 30)
    }
}
