import Catalog
import HaggleCore
import Postgres
import TestSupport
import Testing

struct LearnerStateTests {
    private static let started = StoredLearnerState(
        experiment: "checkout", parentSnapshot: 1, position: 0, bytes: [7], isPinned: false, revision: 0)

    @Test func stateIsSavedByCompareAndSet() async throws {
        try await withCatalog { connection, _ in
            #expect(try await Catalog.learnerState(of: "checkout", on: connection) == nil)
            #expect(try await Catalog.learnerRevision(of: "checkout", on: connection) == nil)
            try await Catalog.restartLearning(Self.started, on: connection)
            let read = try #require(try await Catalog.learnerState(of: "checkout", on: connection))
            #expect(read == Self.started)
            var changed = read
            (changed.position, changed.bytes, changed.parentSnapshot, changed.isPinned) = (40, [8, 9], 2, true)
            let saved = try await Catalog.save(changed, on: connection)
            #expect(saved.revision == read.revision + 1)
            #expect(try await Catalog.learnerState(of: "checkout", on: connection) == saved)
            // Who still holds the old revision changes nothing.
            await #expect(throws: CatalogError.learnerConflict("checkout")) { try await Catalog.save(read, on: connection) }
            #expect(try await Catalog.learnerState(of: "checkout", on: connection) == saved)
        }
    }

    @Test func restartForgetsWhatWasBookedAndDisturbsWhoHoldsTheState() async throws {
        try await withCatalog { connection, _ in
            try await Catalog.restartLearning(Self.started, on: connection)
            var state = try #require(try await Catalog.learnerState(of: "checkout", on: connection))
            state.position = 40
            state.isPinned = true
            state = try await Catalog.save(state, on: connection)
            try await connection.execute(
                """
                INSERT INTO contributions (experiment, impression_id, occurred_at, matures_at, reward)
                VALUES ('checkout', gen_random_uuid(), now(), now(), 1)
                """)
            var anew = Self.started
            anew.parentSnapshot = 5
            try await Catalog.restartLearning(anew, on: connection)
            let read = try #require(try await Catalog.learnerState(of: "checkout", on: connection))
            #expect(read.position == 0 && !read.isPinned && read.parentSnapshot == 5 && read.revision > state.revision)
            #expect(try await connection.queryOne("SELECT count(*) FROM contributions").decode(0, as: Int.self) == 0)
            await #expect(throws: CatalogError.learnerConflict("checkout")) { try await Catalog.save(state, on: connection) }
        }
    }

    @Test func oneOfTwoConcurrentWritersWins() async throws {
        try await withCatalog { connection, target in
            try await Catalog.restartLearning(Self.started, on: connection)
            let state = Self.started
            let saved = await withTaskGroup(of: Bool.self) { group in
                for writer in 1...4 {
                    group.addTask {
                        var mine = state
                        mine.position = Int64(writer)
                        let changed = mine
                        do {
                            _ = try await Connection.with(target) { try await Catalog.save(changed, on: $0) }
                            return true
                        } catch {
                            #expect(error as? CatalogError == .learnerConflict("checkout"))
                            return false
                        }
                    }
                }
                return await group.reduce(into: 0) { $0 += $1 ? 1 : 0 }
            }
            #expect(saved == 1)
            #expect(try await Catalog.learnerRevision(of: "checkout", on: connection) == 1)
        }
    }
}
