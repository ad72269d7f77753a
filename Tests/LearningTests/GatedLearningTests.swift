import Catalog
import EventLog
import Foundation
import HaggleCore
import HaggleMath
import Learning
import Policies
import Postgres
import Testing

/// The learner with its gate, on a real database.
struct GatedLearningTests {
    private static func experiment(_ gate: Experiment.Gate) -> Experiment {
        LearningLog.experiment { experiment in
            experiment.gate = gate
            experiment.policy?.retrain = PolicyConfiguration.Retraining(
                everySeconds: 10 * LearningLog.hour, minimumImpressions: 200, windowSeconds: 30 * 86_400)
        }
    }

    /// 1500 impressions drawn by their propensities. `five` always pays 1 and control nothing; `ten` pays 5 on the web and costs 8 in the app.
    /// Whoever ignores the channel gives everybody `five` (`ten` is worth -.2 on average), whoever knows it gives the web `ten`.
    /// - Parameter turns: whether the channels change roles in the newest fifth, so that knowing the channel becomes a loss of .6 * 9.
    private static func fill(_ log: LearningLog, turns: Bool) async throws {
        var conversions: [Conversion] = []
        var rows: [Impression] = []
        for number in 0..<1500 as Range<UInt64> {
            var generator = SeededGenerator(seed: 31, stream: number)
            let drawn = generator.uniform()
            let arm: ArmKey = drawn < 0.25 ? "none" : drawn < 0.5 ? "five" : "ten"
            let row = log.impression(number, at: Double(number) / 1500, arm: arm)
            rows.append(row)
            let hasTurned = turns && number >= 1200
            let pays = (row.context["channel"] == .text("web")) != hasTurned
            let value = arm == "none" ? 0.0 : arm == "five" ? 1 : pays ? 5 : -8
            conversions.append(
                Conversion(
                    id: ConversionID("c\(number)"), subject: .impression(row.id), kind: "sale", value: value + 0.5 * generator.normal(),
                    occurredAt: row.occurredAt + 1, receivedAt: row.occurredAt + 1))
        }
        try await withThrowingTaskGroup(of: Void.self) { group in
            for row in rows { group.addTask { _ = try await log.sink.append(row, requestID: nil, stickySalt: nil) } }
            try await group.waitForAll()
        }
        #expect(try await log.sink.append(conversions).accepted == conversions.count)
    }

    private static func looks(_ log: LearningLog) async throws -> [StoredGateLook] {
        try await log.pool.withConnection { try await Catalog.gateLooks(of: log.key, limit: 10, on: $0) }
    }

    private static func publish(_ log: LearningLog, candidate: Int) async throws -> SnapshotVersion {
        try await log.pool.withTransaction {
            try await SnapshotPublisher.publish(
                candidate: candidate, of: log.key, note: "Friday's \"campaign\" wants it", now: LearningLog.start + 4 * LearningLog.hour,
                by: "ann", on: $0)
        }
    }

    @Test func harmfulNetworkIsKeptBackAndItsNumbersAreStored() async throws {
        try await LearningLog.with(Self.experiment(.veto)) { log in
            try await Self.fill(log, turns: true)
            // The first fold is an increment of the prior's encoder: the first network is due ten hours after the start.
            #expect(try await log.freshStep(at: 3).published == 2)
            var learner = try await log.learner()
            let step = try await log.step(&learner, at: 12)
            let look = try #require(step.gate)
            #expect(look.decision == .worse && look.look == 1 && !step.retrained && step.published == 3)
            #expect(look.measurement.trainingRows == 1200 && look.measurement.rows == 300)
            #expect(look.measurement.cut == log.impression(1200, at: 0.8).occurredAt)
            // Knowing the channel costs about .6 * 9 = 5.4 there.
            let difference = try #require(look.measurement.comparisons.first { $0.baseline == .serving }?.difference)
            #expect(difference < -3 && difference > -8)
            // What serves goes on with the network it had, folded anew.
            let served = try await log.served()
            #expect(served.representation.basis == .intercept)
            #expect(served.posterior.counts.reduce(0, +) == 1500)
            let snapshots = try await log.snapshots()
            #expect(snapshots.map(\.kind) == [.increment, .increment, .prior] && snapshots.map(\.networkVersion) == [1, 1, 1])
            try await log.expectRebuildEqualsState(at: 12)
            let stored = try #require(try await Self.looks(log).first)
            #expect(stored.candidate == 1 && stored.look == 1 && stored.lineage == 1 && stored.serving == 2 && stored.published == nil)
            #expect(stored.decision == "worse" && stored.reason.hasPrefix("kept back") && !stored.isApproved)
            #expect(try JSONDecoder().decode(GateLook.self, from: Data(stored.numbers.utf8)) == look)
            // A learner that starts anew must not look again before the next retraining is due.
            try await log.turnClockBack()
            #expect(try await log.freshStep(at: 13).gate == nil)
            #expect(try await log.freshStep(at: 23).gate?.look == 2)
        }
    }

    @Test func keptBackCandidateCanBePublishedWithANote() async throws {
        try await LearningLog.with(Self.experiment(.veto)) { log in
            try await Self.fill(log, turns: true)
            #expect(try await log.freshStep(at: 12).gate?.decision == .worse)
            let version = try await Self.publish(log, candidate: 1)
            let newest = try #require(try await log.snapshots().first)
            #expect(newest.version == version && newest.kind == .retrain && newest.networkVersion == version)
            let served = try await log.served()
            #expect(served.representation.basis == .context && served.posterior.counts.reduce(0, +) == 1500)
            try await log.expectRebuildEqualsState(at: 12)
            let look = try #require(try await Self.looks(log).first)
            #expect(look.published == version && look.isApproved && look.note == "Friday's \"campaign\" wants it")
            #expect(look.decision == "worse")
            let audit = try await log.pool.withConnection {
                try await $0.query(
                    "SELECT actor, detail->>'note' AS note, (detail->>'version')::int AS version FROM audit_log WHERE action = 'publish'")
            }
            #expect(audit.count == 1)
            #expect(try audit[0].decode("actor", as: String.self) == "ann")
            #expect(try audit[0].decode("note", as: String.self) == "Friday's \"campaign\" wants it")
            #expect(try audit[0].decode("version", as: Int.self) == version.rawValue)
            await #expect(throws: LearningError.alreadyPublished("checkout", 1, version)) { try await Self.publish(log, candidate: 1) }
            await #expect(throws: CatalogError.unknownCandidate("checkout", 2)) { try await Self.publish(log, candidate: 2) }
            // Later candidates are held against what the person approved.
            let history = try await log.pool.withConnection { try await Catalog.gateHistory(of: log.key, on: $0) }
            #expect(history.approved == version && history.lookCount == 1)
        }
    }

    @Test func offPublishesWithoutALook() async throws {
        try await LearningLog.with(Self.experiment(.off)) { log in
            try await Self.fill(log, turns: true)
            let step = try await log.freshStep(at: 12)
            #expect(step.retrained && step.gate == nil)
            #expect(try await log.served().representation.basis == .context)
            #expect(try await Self.looks(log).isEmpty)
        }
    }

    @Test(arguments: [Experiment.Gate.veto, .prove]) func betterNetworkServesAndIsApproved(_ gate: Experiment.Gate) async throws {
        try await LearningLog.with(Self.experiment(gate)) { log in
            try await Self.fill(log, turns: false)
            let step = try await log.freshStep(at: 12)
            #expect(step.gate?.decision == .better && step.retrained)
            let look = try #require(try await Self.looks(log).first)
            #expect(look.published == step.published && look.isApproved)
            #expect(try await log.served().representation.basis == .context)
            try await log.expectRebuildEqualsState(at: 12)
            try await log.turnClockBack()
            // The same network again shows nothing: veto lets it pass, prove keeps it back; neither moves the approval.
            let second = try #require(try await log.freshStep(at: 23).gate)
            #expect(second.decision == (gate == .veto ? .notWorse : .notBetter))
            #expect(second.measurement.servingIsApproved && !second.isApproved)
        }
    }

    /// Another lineage asks another question: its looks are counted anew, its candidates not.
    @Test func startingOverCountsLooksAnew() async throws {
        try await LearningLog.with(Self.experiment(.veto)) { log in
            try await Self.fill(log, turns: true)
            try await log.freshStep(at: 12)
            try await log.apply(Self.experiment(.veto), startsOver: true)
            #expect(try await log.freshStep(at: 24).gate?.look == 1)
            let looks = try await Self.looks(log)
            #expect(looks.map(\.candidate) == [2, 1] && looks.map(\.look) == [1, 1] && looks[0].lineage > looks[1].lineage)
        }
    }

    @Test func onlyTheNewestCandidatesKeepTheirBytes() async throws {
        try await LearningLog.with { log in
            let numbers = try await log.pool.withTransaction { connection in
                var numbers: [Int] = []
                for look in 1...Catalog.keptCandidates + 2 {
                    let stored = StoredGateLook(
                        experiment: log.key, lineage: 1, look: look, judgedAt: LearningLog.start, experimentVersion: 1, serving: 1,
                        decision: "worse", reason: "kept back", numbers: "{}", isApproved: false, published: nil)
                    numbers.append(try await Catalog.record(stored, keeping: [1, 2, 3], on: connection))
                }
                return numbers
            }
            #expect(numbers == Array(1...Catalog.keptCandidates + 2))
            await #expect(throws: CatalogError.candidateGone("checkout", 2)) {
                _ = try await log.pool.withConnection { try await Catalog.candidate(2, of: log.key, on: $0) }
            }
            let kept = try await log.pool.withConnection { try await Catalog.candidate(3, of: log.key, on: $0).bytes }
            #expect(kept == [1, 2, 3])
        }
    }
}
