import HaggleCore
import HaggleMath
import Testing

@testable import Evaluation

struct SerialisationTests {
    private let options = EvaluationOptions(
        intervals: [.normal, .bootstrap], resamples: 50, seed: 11, excluded: ["HOLDOUT": 3], rewardRange: 0...2, windowSeconds: 3600,
        segmentBy: "channel")

    @Test func whatIsReadBackReportsTheSameToTheBit() async throws {
        for unitCount in [0, 300] {
            var evaluator = try await SimulatedLog(seed: 1, rowCount: 5000, unitCount: unitCount).evaluator(options)
            let bytes = try evaluator.serialised()
            var restored = try Evaluator(serialised: bytes)
            #expect(try restored.serialised() == bytes)
            #expect(try await restored.report() == (try await evaluator.report()))
        }
    }

    /// Every estimator that can be named, and one that is chosen on the data.
    @Test func everyEstimatorSurvives() async throws {
        let names = [
            "IPS", "CIPS(3)", "SNIPS", "DM", "DR", "SNDR", "SwitchDR(2)", "DRos(4)", "SG-DR(0.1)", "MLE", "CressieRead", "DR(slope)",
            "IPS(cv)",
        ]
        let options = EvaluationOptions(estimators: try names.map { try EstimatorPanel.parse($0) })
        var evaluator = try await SimulatedLog(seed: 2, rowCount: 1500, unitCount: 200).evaluator(options)
        var restored = try Evaluator(serialised: try evaluator.serialised())
        try expectEqual(try await restored.report(), try await evaluator.report())
    }

    /// Thirty random ways to cut a log, merged in random order, with and without units, through bytes.
    @Test(arguments: [0, 150])
    func shardsMergeIntoTheWhole(unitCount: Int) async throws {
        let log = SimulatedLog(seed: 6, rowCount: 1200, unitCount: unitCount)
        var whole = try await log.evaluator(options)
        var expected = try await whole.report()
        var generator = SeededGenerator(seed: 7)
        for _ in 0..<30 {
            let cuts = (0..<Int.random(in: 1...6, using: &generator)).map { _ in Int.random(in: 1..<1200, using: &generator) }
            let bounds = [0] + Set(cuts).sorted() + [1200]
            var merge = ShardEvaluation()
            let order = (0..<bounds.count - 1).shuffled(using: &generator)
            for index in order {
                let shard = try await log.evaluator(options, of: bounds[index]..<bounds[index + 1])
                try await merge.add(try shard.serialised(), named: "shard-\(index)")
            }
            // Each shard says how many rows its reader left out.
            expected.excluded = ["HOLDOUT": 3 * order.count]
            try expectEqual(try await merge.report(), expected)
        }
    }

    @Test func damagedStatesAreRefused() async throws {
        let bytes = try await SimulatedLog(seed: 8, rowCount: 60, unitCount: 20).evaluator(
            EvaluationOptions(intervals: [.bootstrap], resamples: 4, segmentBy: "s")
        ).serialised()
        var generator = SeededGenerator(seed: 9)
        for _ in 0..<3000 {
            var damaged = bytes
            switch Int.random(in: 0..<4, using: &generator) {
            case 0: damaged.removeLast(Int.random(in: 1...bytes.count, using: &generator))
            case 1: damaged.append(UInt8.random(in: 0...255, using: &generator))
            case 2: damaged[Int.random(in: 0..<bytes.count, using: &generator)] ^= UInt8.random(in: 1...255, using: &generator)
            default:
                let start = Int.random(in: 0..<bytes.count - 8, using: &generator)
                damaged.removeSubrange(start..<start + Int.random(in: 1...8, using: &generator))
            }
            #expect(throws: EvaluationError.self) { try Evaluator(serialised: damaged) }
        }
    }

    /// Damage under a checksum that fits, as a faulty writer would make it: an error or a state, but never a crash.
    @Test func nonsenseUnderAGoodChecksumDoesNotCrash() async throws {
        let bytes = try await SimulatedLog(seed: 8, rowCount: 60, unitCount: 20).evaluator(
            EvaluationOptions(
                estimators: [InversePropensityScore(), DoublyRobust(), MaximumLikelihood()], intervals: [.bootstrap], resamples: 4,
                segmentBy: "s")
        ).serialised()
        let header = StateWriter.headerSize
        var generator = SeededGenerator(seed: 10)
        var refused = 0
        for _ in 0..<4000 {
            var content = Array(bytes[header..<bytes.count - StateWriter.checksumSize])
            for _ in 0..<Int.random(in: 1...3, using: &generator) {
                // Lengths and choices stand mostly at the beginning.
                let end = Bool.random(using: &generator) ? min(900, content.count) : content.count
                let place = Int.random(in: 0..<end, using: &generator)
                content[place] = Bool.random(using: &generator) ? UInt8.random(in: 0...255, using: &generator) : 0xff
            }
            if Int.random(in: 0..<8, using: &generator) == 0 { content.removeLast(Int.random(in: 1..<content.count, using: &generator)) }
            do {
                var restored = try Evaluator(serialised: StateWriter.file(content))
                _ = try restored.serialised()
                if restored.options.threadCount <= 8 { _ = try? await restored.report() }
            } catch {
                refused += 1
                #expect(error is EvaluationError)
            }
        }
        #expect(refused > 1000)
    }

    @Test func errorsSayWhatIsWrong() async throws {
        let bytes = try await SimulatedLog(seed: 8, rowCount: 20).evaluator().serialised()
        func message(_ bytes: [UInt8]) -> String {
            do {
                _ = try Evaluator(serialised: bytes)
                return "accepted"
            } catch { return "\(error)" }
        }
        #expect(message([]).contains("cut off after 0 bytes"))
        #expect(message(Array("arm,propensity,reward\n".utf8)).contains("does not begin with \"HAGGLEEV\""))
        #expect(message(Array(bytes.prefix(100))).contains("cut off"))
        #expect(message(bytes + [0]).contains("another file was added"))
        var version = bytes
        version[8] = 9
        #expect(message(version).contains("format version 9, this program reads version 1"))
        var damaged = bytes
        damaged[60] ^= 4
        #expect(message(damaged).contains("checksum"))
    }

    /// States of different set-ups name what differs.
    @Test func differentSetUpsRefuseToMerge() async throws {
        let log = SimulatedLog(seed: 8, rowCount: 20)
        let others: [(EvaluationOptions, String)] = [
            (EvaluationOptions(seed: 2), "another choice of seed: 1 here, 2 there"),
            (EvaluationOptions(estimators: [DirectMethod()]), "other estimators"),
            (EvaluationOptions(clustering: .row), "another choice of clustering"),
            (EvaluationOptions(rewardRange: 0...9), "another choice of reward range: none here"),
            (EvaluationOptions(intervals: [.bootstrap]), "another choice of resamples"),
            (EvaluationOptions(segmentBy: "channel"), "another choice of split"),
        ]
        for (options, reason) in others {
            var merge = ShardEvaluation()
            try await merge.add(try await log.evaluator(of: 0..<10).serialised(), named: "one.state")
            let bytes = try await log.evaluator(options, of: 10..<20).serialised()
            do {
                try await merge.add(bytes, named: "two.state")
                Issue.record("\(reason) was accepted")
            } catch {
                #expect("\(error)".hasPrefix("two.state: ") && "\(error)".contains(reason), "\(error)")
            }
            // The first shard is still there.
            #expect(try await merge.report(isForced: true).rowCount == 10)
        }
    }

    @Test func aShardIsMergedOnce() async throws {
        let log = SimulatedLog(seed: 8, rowCount: 30)
        var merge = ShardEvaluation()
        await #expect(throws: EvaluationError.noShards) { try await merge.report() }
        try await merge.add(try await log.evaluator(of: 10..<20).serialised(), named: "a")
        await #expect(throws: EvaluationError.overlappingShards("a", "b", rows: 15..<20)) {
            try await merge.add(try await log.evaluator(of: 15..<25).serialised(), named: "b")
        }
        try await merge.add(try await log.evaluator(of: 25..<30).serialised(), named: "c")
        let report = try await merge.report()
        #expect(report.rowCount == 15)
        #expect(report.warnings.contains { $0.hasPrefix("rows 1 to 10 of the log are in no shard") })
        #expect(report.warnings.contains { $0.hasPrefix("rows 21 to 25 of the log are in no shard") })
    }

    /// A field that is added to the options must be written too: this list and `StateWriter` go together.
    @Test func everyOptionIsWritten() {
        let fields = Set(Mirror(reflecting: EvaluationOptions()).children.compactMap(\.label))
        #expect(
            fields == [
                "estimators", "intervals", "level", "resamples", "seed", "clustering", "unitName", "isForced", "folds", "fitting",
                "fittingRows", "threadCount", "excluded", "rewardRange", "weightBound", "armNames", "discounts", "armCategories",
                "propensities", "windowSeconds", "clusterLimit", "segmentBy",
            ])
    }
}
