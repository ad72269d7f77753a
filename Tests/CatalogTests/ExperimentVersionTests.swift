import Catalog
import HaggleCore
import Postgres
import TestSupport
import Testing

struct ExperimentVersionTests {
    @Test func storedVersionComesBackWhole() async throws {
        try await withCatalog { connection, _ in
            let stored = try await Catalog.experiment("checkout", on: connection)
            #expect(stored.experiment == .checkout())
            #expect(stored.version == 1)
            #expect(stored.sourceText == "key: checkout")
            #expect(stored.digest == Catalog.digest(of: "key: checkout"))
            #expect(!stored.isPaused)
            #expect(stored.snapshot == nil)
        }
    }

    @Test func digestIsSHA256() {
        // The first example of FIPS 180-2: the message "abc".
        #expect(Catalog.digest(of: "abc") == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad")
    }

    @Test func newVersionIsInForceAndTheOldOneStaysReadable() async throws {
        try await withCatalog { connection, _ in
            var changed = Experiment.checkout()
            changed.traffic = 1
            let version = try await Catalog.store(changed, sourceText: "second", by: "bob", on: connection)
            #expect(version == 2)
            let current = try await Catalog.experiment("checkout", on: connection)
            #expect(current.version == 2 && current.experiment == changed)
            #expect(try await Catalog.experiment("checkout", version: 1, on: connection) == .checkout())
            let inForce = try await Catalog.experiments(on: connection)
            #expect(inForce.map(\.version) == [2])
            let actors = try await connection.query("SELECT actor FROM audit_log WHERE action = 'apply' ORDER BY id")
            let names = try actors.map { try $0.decode(0, as: String.self) }
            #expect(names == ["ann", "bob"])
        }
    }

    @Test func abandonedStoreLeavesNothing() async throws {
        struct Abandoned: Error {}
        try await withCatalog { connection, _ in
            await #expect(throws: Abandoned.self) {
                try await connection.transaction { connection in
                    _ = try await Catalog.store(.checkout("other"), sourceText: "", by: "ann", on: connection)
                    throw Abandoned()
                }
            }
            let experiments = try await Catalog.experiments(on: connection)
            #expect(experiments.map(\.experiment.key) == ["checkout"])
        }
    }

    @Test func pauseOutlivesANewVersion() async throws {
        try await withCatalog { connection, _ in
            try await Catalog.setPaused(true, experiment: "checkout", by: "ann", note: "prices wrong", on: connection)
            // A second hand on the switch changes nothing.
            try await Catalog.setPaused(true, experiment: "checkout", by: "bob", note: nil, on: connection)
            #expect(try await Catalog.experiment("checkout", on: connection).isPaused)
            _ = try await Catalog.store(.checkout(), sourceText: "second", by: "ann", on: connection)
            let current = try await Catalog.experiment("checkout", on: connection)
            #expect(current.version == 2 && current.isPaused)
            try await Catalog.setPaused(false, experiment: "checkout", by: "ann", note: nil, on: connection)
            #expect(try await !Catalog.experiment("checkout", on: connection).isPaused)
        }
    }

    @Test func unknownExperimentsAreNamed() async throws {
        try await withCatalog { connection, _ in
            await #expect(throws: CatalogError.unknownExperiment("nowhere")) {
                try await Catalog.experiment("nowhere", on: connection)
            }
            await #expect(throws: CatalogError.unknownExperiment("nowhere")) {
                try await Catalog.setPaused(true, experiment: "nowhere", by: "ann", note: nil, on: connection)
            }
            await #expect(throws: CatalogError.unknownExperiment("checkout")) {
                try await Catalog.experiment("checkout", version: 9, on: connection)
            }
        }
    }

    @Test func unreadableDocumentIsReportedWithItsVersion() async throws {
        try await withCatalog { connection, _ in
            try await connection.execute("UPDATE experiment_versions SET document = '{\"key\": 7}'")
            let error = await #expect(throws: CatalogError.self) { try await Catalog.experiment("checkout", on: connection) }
            guard case .unreadableDocument("checkout", 1, _) = error else {
                Issue.record("unexpected error: \(String(describing: error))")
                return
            }
        }
    }
}
