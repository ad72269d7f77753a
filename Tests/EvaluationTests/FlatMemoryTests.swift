import Foundation
import HaggleCore
import HaggleMath
import Testing

@testable import Evaluation

struct FlatMemoryTests {
    /// 6 000 units in at most 1 024 buckets: errors vary by a share of 1 / sqrt(2 * 1024) = 2.2 % around the exact ones; four of those.
    @Test func bucketsOfUnitsGiveAboutTheErrorsOfExactClusters() async throws {
        let log = SimulatedLog(seed: 4, rowCount: 20_000, unitCount: 6000)
        var exact = try await log.evaluator(EvaluationOptions(clusterLimit: 65_536))
        var buckets = try await log.evaluator(EvaluationOptions(clusterLimit: 1024))
        #expect(buckets.units.isCollapsed && !exact.units.isCollapsed)
        let left = try await exact.report()
        let right = try await buckets.report()
        #expect(left.clusteredBy == "unit" && right.clusteredBy == "unit")
        for (a, b) in zip(left.policies[0].estimates, right.policies[0].estimates) {
            #expect(a.value == b.value)
            #expect(agree(try #require(a.standardError), try #require(b.standardError), within: 0.09), "\(a.estimator)")
        }
    }

    /// Which units are put together, and so every number, depends on their hashes alone.
    @Test func bucketsDoNotDependOnTheOrderOfMerging() async throws {
        let log = SimulatedLog(seed: 5, rowCount: 9000, unitCount: 3000)
        let options = EvaluationOptions(clusterLimit: 1024)
        var whole = try await log.evaluator(options)
        let expected = try await whole.report()
        // The second part alone has fewer units than the limit, and is merged into buckets as well as buckets into it.
        let bounds = [0, 4500, 5000, 9000]
        for order in [[0, 1, 2], [1, 0, 2], [2, 1, 0]] {
            var merged: Evaluator?
            for part in order {
                let shard = try await log.evaluator(options, of: bounds[part]..<bounds[part + 1])
                if merged == nil { merged = shard } else { try await merged?.merge(shard) }
            }
            var whole = try #require(merged)
            try expectEqual(try await whole.report(), expected)
        }
    }

    /// Once everything that is bounded has reached its bound, ten times as many rows, units, days and snapshots take no more bytes.
    @Test func theStateStopsGrowing() async throws {
        var sizes: [Int] = []
        for rowCount in [40_000, 80_000] {
            var generator = SeededGenerator(seed: 3)
            var evaluator = try SimulatedLog.evaluator(
                EvaluationOptions(estimators: [InversePropensityScore()], clusterLimit: 1024, segmentBy: "s"))
            for row in 0..<rowCount {
                let weight = exp(6 * generator.normal())
                let estimate = generator.normal() * exp(6 * generator.normal())
                try await evaluator.add(
                    EvaluationRow(
                        arm: 0, propensity: max(1e-12, min(1, 1 / weight)), reward: 1, unit: UnitID("u\(row)"), targets: [[1, 0, 0], []],
                        estimates: [estimate, 0, 0], snapshot: SnapshotVersion(row),
                        time: Timestamp(microseconds: Int64(row) * 86_400_000_000), segment: "s\(row % 200)"))
            }
            sizes.append(try evaluator.serialised().count)
        }
        // Tables hold between half of their limit and all of it.
        #expect(Double(sizes[1]) < 1.5 * Double(sizes[0]), "\(sizes)")
        #expect(sizes[1] < 32 << 20)
    }

    /// Tables keep the finest resolution that fits, whatever the order of keys.
    @Test func tablesCoarsenTheSameWayInAnyOrder() {
        struct Count: Poolable, Equatable {
            var value = 0
            mutating func pool(_ other: Self) { value += other.value }
        }
        var generator = SeededGenerator(seed: 12)
        let keys = (0..<500).map { _ in Int64(generator.normal() * 1000) }
        func table(_ keys: some Sequence<Int64>) -> CoarseningTable<Count> {
            var table = CoarseningTable(limit: 20, empty: Count())
            for key in keys { table[table.position(of: key)].value += 1 }
            return table
        }
        let whole = table(keys)
        #expect(whole.keys.count <= 20 && whole.keys.count > 10)
        // By hand: keys shifted by the level, counted.
        var expected: [Int64: Int] = [:]
        for key in keys { expected[key >> Int64(whole.level), default: 0] += 1 }
        #expect(Dictionary(uniqueKeysWithValues: whole.sorted.map { ($0.key, $0.value.value) }) == expected)
        #expect(Set(keys.map { $0 >> Int64(whole.level - 1) }).count > 20)
        for other in [table(keys.reversed()), table(keys.sorted())] {
            #expect(other.level == whole.level && other.sorted.map(\.value) == whole.sorted.map(\.value))
        }
        for cut in [1, 37, 250, 499] {
            var left = table(keys[..<cut])
            var right = table(keys[cut...])
            left.merge(right)
            right.merge(table(keys[..<cut]))
            #expect(left.level == whole.level && left.sorted.map(\.value) == whole.sorted.map(\.value))
            #expect(right.sorted.map(\.key) == whole.sorted.map(\.key) && right.sorted.map(\.value) == whole.sorted.map(\.value))
        }
        var extremes = table([Int64.min, -1, 0, Int64.max])
        extremes.merge(table((0..<64).map { Int64(1) << $0 }))
        #expect(extremes.keys.count <= 20 && extremes.values.reduce(0) { $0 + $1.value } == 68)
    }

    /// A sample by hash knows the number of units to 1 / sqrt(2 000); four of those. Units with impressions closer than the window: by hand.
    @Test func theSampleOfUnitsCountsThem() {
        var sample = UnitSample()
        var parts = [UnitSample(), UnitSample()]
        for unit in 0..<50_000 {
            let hash = UnitID("unit-\(unit)").hash64
            let start = Int64(unit) * 1_000_000
            // Every fifth unit has two impressions ten seconds apart, the others ten days.
            for time in [start, start + (unit % 5 == 0 ? 10_000_000 : 864_000_000_000)] {
                sample.add(unit: hash, time: time)
                parts[unit % 2].add(unit: hash, time: time)
            }
        }
        #expect(sample.entries.count <= UnitSample.limit && sample.recur)
        #expect(agree(sample.estimatedUnitCount, 50_000, within: 0.09))
        #expect(abs((sample.shareOfUnitsCloser(than: 3600) ?? 0) - 0.2) < 0.035)
        #expect(sample.shareOfUnitsCloser(than: 5) == 0)
        parts[1].merge(parts[0])
        #expect(parts[1].entries.keys == sample.entries.keys && parts[1].level == sample.level)
        #expect(parts[1].shareOfUnitsCloser(than: 3600) == sample.shareOfUnitsCloser(than: 3600))
    }
}
