import EventLog
import HaggleCore
import HaggleMath
import Postgres
import TestSupport
import Testing

@Suite struct RewardRuleTests {
    private let arms = [Arm(key: "none", discount: 0, isControl: true), Arm(key: "ten", discount: 0.1)]

    private func rule(_ metric: RewardConfiguration.Metric, rate: Double? = 0.35, default defaultReward: Double = 0) -> RewardRule {
        RewardRule(
            RewardConfiguration(metric: metric, marginRate: rate, windowSeconds: 1, defaultReward: defaultReward), arms: arms)
    }

    private func sums(_ events: [(Double, Double?)]) -> RewardSums {
        var sums = RewardSums()
        for (value, margin) in events { sums.add(value: value, margin: margin) }
        return sums
    }

    @Test(arguments: RewardConfiguration.Metric.allCases)
    func withoutConversionsTheDefault(metric: RewardConfiguration.Metric) {
        #expect(rule(metric, default: -0.5).reward(RewardSums(), arm: 1) == -0.5)
    }

    @Test func marginFollowsFromTheAmountPaid() {
        // 90 paid at 10 % off: list 100, cost 65, margin 25.
        #expect(abs(rule(.margin).reward(sums([(90, nil)]), arm: 1) - 25) < 1e-12)
        #expect(rule(.margin).reward(sums([(100, nil)]), arm: 0) == 35)
        // The event's own margin wins; a refund reverses by the same formula.
        #expect(rule(.margin).reward(sums([(90, 12), (-90, nil), (90, nil)]), arm: 1) == 12)
        #expect(rule(.margin, rate: nil).reward(sums([(90, 12), (90, nil)]), arm: 1) == 12)
    }

    @Test func aConversionIsUndoneByItsReversal() {
        #expect(rule(.conversion).reward(sums([(0, nil)]), arm: 0) == 1)
        #expect(rule(.conversion).reward(sums([(10, nil), (-10, nil)]), arm: 0) == 0)
        #expect(rule(.conversion).reward(sums([(10, nil), (10, nil), (-10, nil)]), arm: 0) == 1)
        #expect(rule(.conversion, default: 0.25).reward(sums([(-10, nil)]), arm: 0) == 0.25)
    }

    @Test func revenueIsWhatRemains() {
        #expect(rule(.revenue).reward(sums([(10, nil), (-4, 1)]), arm: 0) == 6)
        #expect(rule(.value).reward(sums([(10, nil), (-10, nil)]), arm: 0) == 0)
    }

    @Test func severalImpressionsOfAUnitAreTakenTogether() {
        let parts: [(arm: Int, sums: RewardSums)] = [(0, sums([(100, nil)])), (1, sums([(90, nil)])), (1, RewardSums())]
        #expect(abs(rule(.margin).reward(parts) - 60) < 1e-12)
        #expect(rule(.conversion).reward(parts) == 1)
        #expect(rule(.conversion, default: -1).reward([(0, RewardSums())]) == -1)
    }
}

/// A random log, its attribution done again by brute force in Swift, and everything that reads rewards held against it.
@Suite struct RewardAgreementTests {
    struct World {
        var impressions: [Impression] = []
        /// In the order of the log.
        var rows: [ImpressionID: (order: Int, root: ImpressionID)] = [:]
        var activated: Set<ImpressionID> = []
        var conversions: [Conversion] = []

        func isShown(_ impression: Impression) -> Bool {
            rows[impression.id]?.root == impression.id && (!impression.isDeferred || activated.contains(impression.id))
        }

        /// The impression that has the conversion, by the rule as it is written in the agreements.
        func owner(of conversion: Conversion, window: Double) -> ImpressionID? {
            switch conversion.subject {
            case .impression(let id):
                guard let root = rows[id]?.root, let impression = impressions.first(where: { $0.id == root }), isShown(impression),
                    conversion.occurredAt < impression.occurredAt + window || conversion.value < 0
                else { return nil }
                return root
            case .unit(let unit, _):
                return impressions.filter { isShown($0) && $0.unit == unit }
                    .filter { $0.occurredAt <= conversion.occurredAt && conversion.occurredAt < $0.occurredAt + window }
                    .max {
                        ($0.reason == .policy ? 1 : 0, $0.occurredAt.microseconds, rows[$0.id]!.order)
                            < ($1.reason == .policy ? 1 : 0, $1.occurredAt.microseconds, rows[$1.id]!.order)
                    }?.id
            }
        }
    }

    private func world(_ log: TestLog, seed: UInt64) async throws -> World {
        var generator = SeededGenerator(seed: seed)
        var world = World()
        var keys: [String: ImpressionID] = [:]
        for number in 1...500 as ClosedRange<UInt64> {
            let time = (generator.uniform() * 20 * TestLog.day).rounded()
            let unit = UnitID("u\(Int(generator.uniform() * 12))")
            switch generator.uniform() {
            case ..<0.45:
                let impression = log.impression(
                    number, at: time, unit: unit, arm: ["none", "five", "ten"][Int(generator.uniform() * 3)],
                    reason: generator.uniform() < 0.2 ? .holdout : .policy, deferred: generator.uniform() < 0.2)
                let request = generator.uniform() < 0.3 ? "r\(Int(generator.uniform() * 30))" : nil
                let row = try await log.sink.append(impression, requestID: request, stickySalt: nil)
                var root = impression.id
                if let request {
                    root = keys[request] ?? impression.id
                    keys[request] = root
                }
                #expect(row.answer.id == root)
                world.rows[impression.id] = (world.impressions.count, root)
                world.impressions.append(impression)
            case ..<0.55:
                guard let id = world.impressions.randomElement(using: &generator)?.id, let root = world.rows[id]?.root else { continue }
                _ = try await log.sink.activate(id, at: TestLog.start + time)
                world.activated.formUnion([id, root])
            default:
                let named = generator.uniform() < 0.5 ? world.impressions.randomElement(using: &generator)?.id : nil
                let conversion = log.conversion(
                    ConversionID("c\(number)"), of: named.map { .impression($0) } ?? .unit(unit, "checkout"), at: time,
                    value: (generator.normal() * 50 + 20).rounded(), margin: generator.uniform() < 0.3 ? generator.normal() * 5 : nil)
                try await log.sink.append(conversion)
                world.conversions.append(conversion)
            }
        }
        return world
    }

    @Test(arguments: RewardConfiguration.Metric.allCases)
    func everyReaderAgreesWithBruteForce(metric: RewardConfiguration.Metric) async throws {
        let window = 3 * TestLog.day
        try await TestLog.with(TestLog.experiment(metric: metric, window: window, defaultReward: -1)) { log in
            let world = try await world(log, seed: 7)
            let rule = RewardRule(log.experiment.reward, arms: log.experiment.arms)
            var owned: [ImpressionID: [Conversion]] = [:]
            for conversion in world.conversions {
                if let owner = world.owner(of: conversion, window: window) { owned[owner, default: []].append(conversion) }
            }
            let shown = world.impressions.filter { world.isShown($0) }
            let counted = shown.filter { $0.reason == .policy }
            let expected = Dictionary(
                uniqueKeysWithValues: shown.map { ($0.id, rule.reward(owned[$0.id] ?? [], arm: log.experiment.index(of: $0.arm)!)) })
            #expect(counted.count > 50)
            #expect(counted.contains { owned[$0.id] != nil })

            // Sums by id.
            let sums = try await log.reader.rewardSums(of: world.impressions.map(\.id), experiment: log.experiment)
            #expect(Set(sums.keys) == Set(counted.map(\.id)))
            for impression in counted { #expect(sums[impression.id] == RewardSums(owned[impression.id] ?? [])) }

            // The source.
            let source = try await PostgresInteractionSource.open(
                pool: log.pool, experiment: log.experiment, asOf: TestLog.start + 30 * TestLog.day)
            let rows = try await collect(source)
            #expect(rows.map(\.impressionID) == counted.map(\.id))
            for row in rows { #expect(row.reward == expected[row.impressionID!]) }
            // What lies outside of a time span takes part in attribution all the same.
            let span = PostgresInteractionSource.Filter(since: TestLog.start + 2 * TestLog.day, until: TestLog.start + 6 * TestLog.day)
            let some = try await PostgresInteractionSource.open(
                pool: log.pool, experiment: log.experiment, filter: span, asOf: TestLog.start + 30 * TestLog.day)
            #expect(try await collect(some) == rows.filter { $0.time! >= span.since! && $0.time! < span.until! })
            #expect(source.excluded.values.reduce(0, +) == world.impressions.count - counted.count)

            // The views: SQL computes the reward itself, with other roundings.
            let view = try await log.pool.withConnection {
                try await $0.query("SELECT impression_id, reward, counted, conversions FROM impression_rewards")
            }
            #expect(view.count == shown.count)
            for row in view {
                let text = try row.decode("impression_id", as: String.self)
                let id = try #require(ImpressionID(text))
                #expect(abs(try row.decode("reward", as: Double.self) - expected[id]!) < 1e-9)
                #expect(try row.decode("conversions", as: Int.self) == owned[id]?.count ?? 0)
            }
            #expect(try await log.count("SELECT count(*) FROM interactions") == counted.count)
            #expect(
                try await log.count("SELECT count(*) FROM unattributed_conversions")
                    == world.conversions.filter { world.owner(of: $0, window: window) == nil }.count)
            let daily = try await log.reader.dailyRewards(of: "checkout")
            #expect(daily.reduce(0) { $0 + $1.impressions } == shown.count)
            #expect(abs(daily.reduce(0) { $0 + $1.reward } - expected.values.reduce(0, +)) < 1e-6)
            let allocation = try await log.reader.dailyAllocation(of: "checkout")
            #expect(
                allocation.reduce(0) { $0 + $1.impressions } == world.impressions.filter { world.rows[$0.id]?.root == $0.id }.count)

            // The export.
            var exported: [ExportedRow] = []
            try await LogExporter(pool: log.pool, experiment: log.experiment, asOf: TestLog.start).forEachChunk { exported += $0 }
            #expect(exported.map(\.impressionID) == shown.map(\.id))
            for row in exported {
                #expect(row.reward == expected[row.impressionID])
                #expect(row.conversions.map(\.id) == (owned[row.impressionID] ?? []).map(\.id))
            }
        }
    }
}
