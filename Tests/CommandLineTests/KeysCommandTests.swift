import Foundation
import Postgres
import TestSupport
import Testing

/// `haggle keys`, as a person types it.
@Suite struct KeysCommandTests {
    @Test func aKeyIsShownOnceListedWithoutItAndTakenBack() async throws {
        try await withDatabase { target in
            func run(_ arguments: [String]) throws -> Program.Outcome {
                try Program.run(["keys"] + arguments + ["--database", target.url])
            }
            let created = try run(["create", "checkout backend", "--scope", "assign", "convert", "--expires", "2999-01-01"])
            #expect(created.status == 0, "\(created.errors)")
            let token = created.output.trimmingCharacters(in: .whitespacesAndNewlines)
            let parts = token.split(separator: "_", maxSplits: 2)
            #expect(parts.count == 3 && parts[0] == "hgl" && parts[2].count == 43)
            let other = try run(["create", "dashboard", "--scope", "read"]).output
            #expect(!other.contains(parts[2]))
            let id = String(parts[1])
            let listed = try run(["list"])
            #expect(listed.output.contains(id) && listed.output.contains("assign,convert") && !listed.output.contains(parts[2]))
            #expect(try run(["revoke", id]).status == 0)
            let json = try run(["list", "--format", "json"])
            let keys = try #require(try JSONSerialization.jsonObject(with: Data(json.output.utf8)) as? [[String: Any]])
            #expect(keys.count == 2 && keys.first { $0["id"] as? String == id }?["revoked"] is String)
            let unknown = try run(["revoke", "00000000"])
            #expect(unknown.status == 1 && unknown.errors.contains("haggle keys list"), "\(unknown.errors)")
            for wrong in [["create", "x", "--scope", "everything"], ["create", "x", "--scope", "read", "--expires", "2001-01-01"]] {
                #expect(try run(wrong).status == 2)
            }
        }
    }
}
