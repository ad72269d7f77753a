import Features
import Foundation
import HaggleCore
import Logging
import Postgres
import TestSupport
import Testing

@testable import Workbench

@Suite struct FeatureTableTests {
    @Test func featuresBecomeATable() async throws {
        let file = FileManager.default.temporaryDirectory.appending(path: "haggle-table-\(UUID().uuidString).csv")
        try Data("customer,time,amount\n10,2024-01-01,5\n9,2024-02-01,7\n9,2024-02-11,9\n".utf8).write(to: file)
        defer { try? FileManager.default.removeItem(at: file) }
        var configuration = FeatureBuild.Configuration(
            transactions: [file.path], asOf: try #require(Timestamp("2024-03-01")),
            temporaryFolder: FileManager.default.temporaryDirectory.path)
        configuration.outliers = .none
        let build = FeatureBuild(configuration)
        try await withDatabase { target in
            let pool = ConnectionPool(target: target, size: 1, waitSeconds: 10, logger: Logger(label: "test"))
            let store = FeatureTableStore(pool: pool)
            #expect(try await store.store(try build.run(as: .csv), as: "my customers", isReplacing: false) == 2)
            let rows = try await pool.withConnection {
                try await $0.query(
                    "SELECT customer, monetary, gap_sd_days, jsonb_array_length(history) AS events FROM \"my customers\" ORDER BY customer")
            }
            #expect(try rows.map { try $0.decode("customer", as: String.self) } == ["10", "9"])
            #expect(try rows.map { try $0.decode("monetary", as: Double.self) } == [5, 16])
            #expect(try rows[1].decode("gap_sd_days", as: Double?.self) == nil)
            #expect(try rows[1].decode("events", as: Int.self) == 2)
            // A table that exists is not touched without being told so.
            await #expect(throws: DatabaseError.self) {
                try await store.store(try build.run(as: .csv), as: "my customers", isReplacing: false)
            }
            #expect(try await store.store(try build.run(as: .csv), as: "my customers", isReplacing: true) == 2)
            await pool.close()
        }
    }
}
