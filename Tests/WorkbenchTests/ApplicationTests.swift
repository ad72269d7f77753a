import Catalog
import Experiments
import HaggleCore
import Logging
import Policies
import Postgres
import TestSupport
import Testing
import Workbench

@Suite struct ApplicationTests {
    static func text(window: String = "7d", floor: String = "0.02", salt: String = "s", extraArm: String = "") -> String {
        """
        experiment: checkout
        type: bandit
        salt: \(salt)
        arms:
          - {key: none, discount: 0, control: true}
          - {key: ten, discount: 0.10}
        \(extraArm)
        context:
          recency_days: {type: number}
        reward: {metric: margin, margin_rate: 0.35, window: \(window)}
        policy: {algorithm: linear-thompson, floor: \(floor)}
        """
    }

    static func files(_ text: String) throws -> [ExperimentFolder.File] { try ExperimentFolder(text: text, name: "checkout.yaml").valid() }

    static func withPool(_ body: (ConnectionPool) async throws -> Void) async throws {
        try await withDatabase { target in
            let pool = ConnectionPool(target: target, size: 4, logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
            try await body(pool)
            await pool.close()
        }
    }

    @Test func theFirstApplyPublishesTheEvenPriorAndASecondChangesNothing() async throws {
        try await Self.withPool { pool in
            let application = Application(pool: pool)
            let files = try Self.files(Self.text())
            #expect(try await application.plan(files).steps.map(\.action) == [.create])
            _ = try await application.apply(files, confirmed: false, by: "test")
            let first = try await pool.withConnection { try await Catalog.experiment("checkout", on: $0) }
            #expect(first.version == 1)
            let stored = try #require(try await pool.withConnection { try await Catalog.newestSnapshot(of: "checkout", on: $0) })
            #expect(stored.version == 1)
            let policy = SnapshotPolicy(try ServingSnapshot(serialised: stored.bytes))
            #expect(policy.distribution(over: [0, 1], in: ["recency_days": 3]).probabilities == [0.5, 0.5])

            let again = try await application.apply(files, confirmed: false, by: "test")
            #expect(again.isEmpty)
            #expect(try await pool.withConnection { try await Catalog.experiment("checkout", on: $0).version } == 1)
            #expect(try await pool.withConnection { try await Catalog.snapshots(of: "checkout", limit: 10, on: $0).count } == 1)
        }
    }

    @Test func aHarmlessChangeNeedsNoConfirmation() async throws {
        try await Self.withPool { pool in
            let application = Application(pool: pool)
            _ = try await application.apply(Self.files(Self.text()), confirmed: false, by: "test")
            _ = try await application.apply(
                Self.files(Self.text(extraArm: "  - {key: twenty, discount: 0.20}")), confirmed: false, by: "test")
            let stored = try await pool.withConnection { try await Catalog.experiment("checkout", on: $0) }
            #expect(stored.version == 2)
            #expect(stored.experiment.arms.count == 3)
            let snapshot = try #require(try await pool.withConnection { try await Catalog.newestSnapshot(of: "checkout", on: $0) })
            #expect(snapshot.experimentVersion == 2)
            #expect(try ServingSnapshot(serialised: snapshot.bytes).arms == ["none", "ten", "twenty"])
        }
    }

    @Test(arguments: [text(salt: "other"), text(window: "14d")])
    func aChangeThatRerandomisesOrBreaksIsNamedAndNothingIsWritten(_ changed: String) async throws {
        try await Self.withPool { pool in
            let application = Application(pool: pool)
            _ = try await application.apply(Self.files(Self.text()), confirmed: false, by: "test")
            await #expect(throws: WorkbenchError.self) { try await application.apply(Self.files(changed), confirmed: false, by: "test") }
            #expect(try await pool.withConnection { try await Catalog.experiment("checkout", on: $0).version } == 1)
            _ = try await application.apply(Self.files(changed), confirmed: true, by: "test")
            #expect(try await pool.withConnection { try await Catalog.experiment("checkout", on: $0).version } == 2)
        }
    }

    @Test func severalAppliesAtOnceGiveOneVersion() async throws {
        try await Self.withPool { pool in
            let files = try Self.files(Self.text())
            try await withThrowingTaskGroup(of: Void.self) { group in
                for _ in 0..<4 { group.addTask { _ = try await Application(pool: pool).apply(files, confirmed: false, by: "test") } }
                try await group.waitForAll()
            }
            #expect(try await pool.withConnection { try await Catalog.experiment("checkout", on: $0).version } == 1)
        }
    }
}
