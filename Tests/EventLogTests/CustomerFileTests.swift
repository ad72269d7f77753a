import EventLog
import Foundation
import HaggleCore
import Tabular
import Testing

@Suite struct CustomerFileTests {
    static let schema = FeatureSchema(features: [
        Feature(name: "recency", kind: .number(missing: .median, clip: .none, transform: .identity, scale: .standard)),
        Feature(name: "channel", kind: .category(values: ["web", "app"], missing: nil)),
        Feature(name: "member", kind: .boolean(missing: nil)), Feature(name: "$hour", kind: .cycle(period: 24)),
    ])

    /// Lends a file of that text.
    static func with<Value>(_ text: String, name: String = "customers.csv", _ body: (String) throws -> Value) throws -> Value {
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent("haggle-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        let path = folder.appendingPathComponent(name).path
        try Data(text.utf8).write(to: URL(fileURLWithPath: path))
        return try body(path)
    }

    static func read(_ path: String, unitColumn: String? = nil, ignoring: [String] = []) throws -> [CustomerFile.Customer] {
        var customers: [CustomerFile.Customer] = []
        let file = try CustomerFile(path: path, unitColumn: unitColumn, schema: schema, ignoring: ignoring)
        let count = try file.forEach { customers.append($0) }
        #expect(count == customers.count)
        return customers
    }

    /// What the file is refused with, the folder cut off.
    static func refusal(_ text: String, name: String = "customers.csv", unitColumn: String? = nil) throws -> String {
        try with(text, name: name) { path in
            do {
                _ = try read(path, unitColumn: unitColumn)
                return "accepted"
            } catch let error as TabularError {
                return error.description.replacingOccurrences(of: (path as NSString).deletingLastPathComponent + "/", with: "")
            }
        }
    }

    @Test func readsUnitsAndContexts() throws {
        let expected = [
            CustomerFile.Customer(unit: "c1", context: ["recency": 12.5, "channel": "web", "member": true]),
            CustomerFile.Customer(unit: "c2", context: ["channel": "fax"]),
        ]
        let csv = "id,recency,channel,member\nc1,12.5,web,yes\nc2,,fax,\n"
        #expect(try Self.with(csv) { try Self.read($0) } == expected)
        let moved = "note,recency,channel,member,id\nx,12.5,web,1,c1\ny,,fax,,c2\n"
        #expect(try Self.with(moved) { try Self.read($0, unitColumn: "id", ignoring: ["note"]) } == expected)
        let ndjson =
            #"{"id":"c1","recency":12.5,"channel":"web","member":true}"# + "\n" + #"{"id":"c2","recency":null,"channel":"fax"}"# + "\n"
        #expect(try Self.with(ndjson, name: "customers.ndjson") { try Self.read($0) } == expected)
        #expect(
            try Self.with("id,channel\n") { try CustomerFile(path: $0, schema: Self.schema).absentFeatures }
                == ["recency", "member", "$hour"])
    }

    @Test func saysWhereSomethingIsWrong() throws {
        #expect(
            try Self.refusal("id,recensy\nc1,3\n")
                == "customers.csv:1: column recensy: expected the unit or a feature of the experiment (recency, channel, member), found `recensy`"
        )
        #expect(try Self.refusal("id,recency\nc1,3\n,4\n") == "customers.csv:3: column id: expected a unit, found ``")
        #expect(try Self.refusal("id,recency\nc1,3\nc2,long\n") == "customers.csv:3: column recency: expected a number, found `long`")
        #expect(try Self.refusal("id,recency\nc1,nan\n") == "customers.csv:2: column recency: expected a number, found `nan`")
        #expect(try Self.refusal("id,member\nc1,perhaps\n") == "customers.csv:2: column member: expected true or false, found `perhaps`")
        #expect(try Self.refusal("id,recency\n", unitColumn: "unit") == "customers.csv:1: expected a column `unit`, found `id`, `recency`")
        #expect(try Self.refusal("") == "customers.csv: expected a header line, found an empty file")
        let name = "customers.ndjson"
        #expect(
            try Self.refusal(#"{"id":"c1","recency":"3"}"# + "\n", name: name)
                == "customers.ndjson:1: column recency: expected a number, found `a string`")
        #expect(
            try Self.refusal(#"{"id":"c1"}"# + "\n" + #"{"recency":3}"# + "\n", name: name)
                == "customers.ndjson:2: column id: expected a unit, found ``")
        #expect(
            try Self.refusal(#"{"id":1.5}"# + "\n", name: name)
                == "customers.ndjson:1: column id: expected a unit: a string or a whole number, found `1.5`")
    }

    @Test func aFileThatChangesBetweenPassesIsRefused() throws {
        try Self.with("id,recency\nc1,3\n") { path in
            let file = try CustomerFile(path: path, schema: Self.schema)
            try file.forEach { _ in }
            try Data("id,recency\nc1,3\nc2,4\n".utf8).write(to: URL(fileURLWithPath: path))
            #expect(throws: TabularError.changed(file: path)) { try file.forEach { _ in } }
        }
    }
}
