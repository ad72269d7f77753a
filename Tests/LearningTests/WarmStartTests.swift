import Catalog
import EventLog
import Foundation
import HaggleCore
import HaggleMath
import Learning
import Policies
import Postgres
import Testing

struct WarmStartTests {
    private static let hour = LearningLog.hour

    /// The successor: the arm "ten" is called "tenth" now, one is new, one is gone.
    private static func successor(_ change: (inout Experiment) -> Void = { _ in }) -> Experiment {
        LearningLog.experiment { experiment in
            experiment.key = "successor"
            experiment.arms = [
                Arm(key: "none", discount: 0, isControl: true), Arm(key: "tenth", discount: 0.1), Arm(key: "twenty", discount: 0.2),
            ]
            experiment.warmStart = .experiment("checkout")
            change(&experiment)
        }
    }

    private func start(_ experiment: Experiment, _ log: LearningLog, folder: String = "", at hours: Double) async throws {
        try await log.pool.withTransaction { connection in
            let now = LearningLog.start + hours * Self.hour
            let rows = try await WarmStart.rows(for: experiment, folder: folder, now: now, on: connection)
            let version = try await Catalog.store(experiment, sourceText: "", by: "test", on: connection)
            try await SnapshotPublisher.adopt(experiment, version: version, startsOver: false, history: rows, at: now, on: connection)
            _ = try await connection.execute("UPDATE snapshots SET created_at = '2026-01-05T00:00:00Z'")
        }
    }

    private func successorLog(_ log: LearningLog) -> LearningLog {
        LearningLog(target: log.target, pool: log.pool, sink: log.sink, key: "successor")
    }

    @Test func newExperimentStartsFromAnothersMaturedLog() async throws {
        try await LearningLog.with { log in
            try await log.show(0..<900)
            for number in stride(from: UInt64(0), to: 900, by: 3) where number % 2 == 0 {
                try await log.convert(ConversionID("c-\(number)"), .impression(log.impression(number).id), at: 0.5, value: 5)
            }
            // Open when the successor starts: it says nothing yet.
            try await log.show(900..<960, at: { _ in 2.5 })
            try await start(Self.successor(), log, at: 3)
            let next = successorLog(log)
            let snapshots = try await next.snapshots()
            #expect(snapshots.map(\.kind) == [.warm, .prior] && snapshots.map(\.networkVersion) == [2, 1])
            let served = try await next.served()
            // 300 of each arm, which weigh as many as 200; "five" has no successor and "twenty" no past.
            #expect(zip(served.posterior.counts, [200, 200, 0]).allSatisfy { abs($0 - $1) < 1e-9 })
            // Half of "none" bought for 5, nobody of "ten": the default of -0.5.
            #expect(abs(served.posterior.rewards[0] - 200 * (0.5 * 5 - 0.5 * 0.5)) < 1e-9)
            #expect(abs(served.posterior.rewards[1] + 100) < 1e-9)
            let shares = SnapshotPolicy(served).distribution(over: [0, 1], in: log.impression(1).context)
            #expect(shares[0] > 0.99)
            #expect(FoldCheck.defect(of: served, drift: 0) == nil)
        }
    }

    /// The log of the experiment comes on top, and an accumulation from nothing gives the same.
    @Test func foldingGoesOnFromTheHistoryAndRollbackKeepsIt() async throws {
        try await LearningLog.with { log in
            try await log.show(0..<90)
            try await start(Self.successor { $0.gate = .off }, log, at: 3)
            let next = successorLog(log)
            let before = try await next.served().posterior
            #expect(before.counts == [30, 30, 0])
            for number in UInt64(1000)..<1030 {
                try await next.show(number, at: 3, arm: number % 2 == 0 ? "none" : "twenty")
            }
            try await next.freshStep(at: 5)
            let folded = try await next.served().posterior
            #expect(folded.counts == [45, 30, 15])
            // What was taken over has no version of its own to go back to but 2.
            let version = try await log.pool.withTransaction {
                try await SnapshotPublisher.rollBack("successor", to: 2, now: LearningLog.start + 5 * Self.hour, by: "test", on: $0)
            }
            let rolledBack = try await next.served()
            #expect(rolledBack.version == version)
            #expect(largestDifference(rolledBack.posterior, folded) < 1e-9)
        }
    }

    /// A retrain fits to both, and after the retraining window only to its own.
    @Test(arguments: [Experiment.Gate.off, .veto]) func historyLeavesWithTheRetrainingWindow(_ gate: Experiment.Gate) async throws {
        let experiment = Self.successor {
            $0.gate = gate
            $0.policy?.retrain = .init(everySeconds: 20 * Self.hour, minimumImpressions: 30, windowSeconds: 48 * Self.hour)
        }
        try await LearningLog.with { log in
            try await log.show(0..<90)
            try await start(experiment, log, at: 3)
            let next = successorLog(log)
            for number in UInt64(1000)..<1060 {
                try await next.show(number, at: 3, arm: number % 2 == 0 ? "none" : "twenty")
            }
            var learner = try await next.learner()
            _ = try await next.step(&learner, at: 25)
            #expect(try await next.served().posterior.counts == [60, 30, 30])
            for number in UInt64(2000)..<2060 {
                try await next.show(number, at: 50, arm: number % 2 == 0 ? "none" : "twenty")
            }
            _ = try await next.step(&learner, at: 52)
            #expect(try await next.served().posterior.counts == [30, 0, 30])
        }
    }

    @Test func newExperimentStartsFromAFile() async throws {
        let folder = FileManager.default.temporaryDirectory.appending(path: "warm-\(UUID().uuidString)").path
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: folder) }
        var text = "time,arm,reward,recency,channel,ignored\n"
        for number in 0..<300 {
            let arm = ["none", "tenth", "eleventh"][number % 3]
            let hour = number / 60 < 10 ? "0\(number / 60)" : "\(number / 60)"
            let minute = number % 60 < 10 ? "0\(number % 60)" : "\(number % 60)"
            text += "2025-12-01T\(hour):\(minute):00Z,\(arm),\(number % 3 == 1 ? 3 : 0),\(number % 17),web,x\n"
        }
        try text.write(toFile: folder + "/history.csv", atomically: true, encoding: .utf8)
        try await LearningLog.with { log in
            let experiment = Self.successor {
                $0.warmStart = .file("history.csv")
                $0.context.features += TimeFeatures.features
            }
            try await start(experiment, log, folder: folder, at: 3)
            let served = try await successorLog(log).served()
            #expect(served.posterior.counts == [100, 100, 0])
            #expect(abs(served.posterior.rewards[1] - 300) < 1e-9)
            // A file without one of the arms is refused, with what to do.
            let foreign = Self.successor {
                $0.warmStart = .file("history.csv")
                $0.arms = [Arm(key: "a", isControl: true), Arm(key: "b")]
            }
            await #expect(throws: LearningError.nothingToStartFrom("successor", source: "history.csv", arms: ["a", "b"])) {
                try await log.pool.withConnection {
                    try await WarmStart.rows(for: foreign, folder: folder, now: LearningLog.start, on: $0)
                }
            }
        }
    }
}
