import Catalog
import HaggleCore
import Logging
import Postgres
import TestSupport
import Testing

struct SnapshotTests {
    @Test func publishedSnapshotComesBack() async throws {
        try await withCatalog { connection, _ in
            #expect(try await Catalog.newestSnapshot(of: "checkout", on: connection) == nil)
            let bytes = (0..<70_000).map { UInt8(truncatingIfNeeded: $0 &* 31) }
            try await Catalog.publish(snapshot(1, parent: nil, kind: .prior, bytes: bytes), on: connection)
            try await Catalog.publish(snapshot(2, parent: 1, bytes: [0, 255]), on: connection)
            let newest = try #require(try await Catalog.newestSnapshot(of: "checkout", on: connection))
            #expect(newest.version == 2 && newest.parent == 1 && newest.bytes == [0, 255] && newest.kind == .increment)
            let first = try await Catalog.snapshot(1, of: "checkout", on: connection)
            #expect(first.bytes == bytes && first.parent == nil && first.kind == .prior)
            let listed = try await Catalog.snapshots(of: "checkout", limit: 10, on: connection)
            #expect(listed.map(\.version) == [2, 1])
            #expect(listed.allSatisfy { $0.bytes.isEmpty })
            #expect(try await Catalog.experiment("checkout", on: connection).snapshot == 2)
            await #expect(throws: CatalogError.unknownSnapshot("checkout", 3)) {
                try await Catalog.snapshot(3, of: "checkout", on: connection)
            }
        }
    }

    @Test func secondChildOfAParentIsRefused() async throws {
        try await withCatalog { connection, _ in
            try await Catalog.publish(snapshot(1, parent: nil), on: connection)
            await #expect(throws: CatalogError.snapshotConflict("checkout", parent: nil)) {
                try await Catalog.publish(snapshot(1, parent: nil), on: connection)
            }
            try await Catalog.publish(snapshot(2, parent: 1), on: connection)
            await #expect(throws: CatalogError.snapshotConflict("checkout", parent: 1)) {
                try await Catalog.publish(snapshot(2, parent: 1, bytes: [9]), on: connection)
            }
            // Another number does not get around it: the parent is not the newest any more.
            await #expect(throws: CatalogError.snapshotConflict("checkout", parent: 1)) {
                try await Catalog.publish(snapshot(3, parent: 1), on: connection)
            }
            #expect(try await Catalog.newestSnapshot(of: "checkout", on: connection)?.bytes == [1, 2, 3])
        }
    }

    @Test func oneOfTwoConcurrentPublishersWins() async throws {
        try await withCatalog { connection, target in
            try await Catalog.publish(snapshot(1, parent: nil), on: connection)
            for parent in 1...20 {
                let wins = await withTaskGroup(of: UInt8?.self) { group in
                    for publisher in [10, 20] as [UInt8] {
                        group.addTask {
                            do {
                                try await Connection.with(target) { connection in
                                    try await connection.transaction {
                                        try await Catalog.publish(
                                            snapshot(SnapshotVersion(parent + 1), parent: SnapshotVersion(parent), bytes: [publisher]),
                                            on: $0)
                                    }
                                }
                                return publisher
                            } catch {
                                #expect(error as? CatalogError == .snapshotConflict("checkout", parent: SnapshotVersion(parent)))
                                return nil
                            }
                        }
                    }
                    return await group.reduce(into: [UInt8]()) { if let winner = $1 { $0.append(winner) } }
                }
                #expect(wins.count == 1)
                #expect(try await Catalog.newestSnapshot(of: "checkout", on: connection)?.bytes == wins)
            }
        }
    }

    @Test func alteredBytesAreNoticed() async throws {
        try await withCatalog { connection, _ in
            try await Catalog.publish(snapshot(1, parent: nil), on: connection)
            try await connection.execute("UPDATE snapshots SET bytes = set_byte(bytes, 1, 99)")
            await #expect(throws: CatalogError.checksumMismatch("checkout", 1)) {
                try await Catalog.snapshot(1, of: "checkout", on: connection)
            }
            await #expect(throws: CatalogError.checksumMismatch("checkout", 1)) {
                try await Catalog.newestSnapshot(of: "checkout", on: connection)
            }
            // The description can still be listed, so that one can see what to roll back to.
            let listed = try await Catalog.snapshots(of: "checkout", limit: 1, on: connection)
            #expect(listed.map(\.version) == [1])
        }
    }

    @Test func serversAreToldWhenTheTransactionCommits() async throws {
        try await withCatalog { connection, target in
            let (listening, isListening) = AsyncStream.makeStream(of: Void.self)
            let (told, tell) = AsyncStream.makeStream(of: Notification.self)
            let listener = NotificationListener(
                target: target, channels: [CatalogChannel.snapshots, CatalogChannel.experiments], logger: .silent)
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask { try await listener.run(onListening: { isListening.yield() }, { tell.yield($0) }) }
                for await _ in listening { break }
                try await connection.transaction { try await Catalog.publish(snapshot(1, parent: nil), on: $0) }
                try await Catalog.setPaused(true, experiment: "checkout", by: "ann", note: nil, on: connection)
                var channels: [String] = []
                for await notification in told {
                    #expect(notification.payload == "checkout")
                    channels.append(notification.channel)
                    if channels.count == 2 { break }
                }
                #expect(channels == [CatalogChannel.snapshots, CatalogChannel.experiments])
                group.cancelAll()
                try await group.waitForAll()
            }
        }
    }
}
