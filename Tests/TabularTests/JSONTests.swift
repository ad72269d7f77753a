import Foundation
import Tabular
import Testing

@Suite struct JSONTests {
    private func scanner(_ text: String) -> JSONScanner { JSONScanner(Array(text.utf8), place: FilePlace(file: "t.ndjson", line: 7)) }

    @Test func readsNestedValues() throws {
        var json = scanner(#" {"a" : [1, -2.5e3, true, null, "x"], "b": {"c": {}, "d": []}, "e": "\u00e9\ud83d\ude00\n\/"} "#)
        try json.beginObject()
        #expect(try json.nextKey() == "a")
        try json.beginArray()
        #expect(try json.nextElement())
        #expect(try json.integer() == 1)
        #expect(try json.nextElement())
        #expect(try json.number() == -2500)
        #expect(try json.nextElement())
        #expect(try json.boolean())
        #expect(try json.nextElement())
        let isNull = json.takeNull()
        #expect(isNull)
        #expect(try json.nextElement())
        #expect(try json.string() == "x")
        #expect(try !json.nextElement())
        #expect(try json.nextKey() == "b")
        try json.skip()
        #expect(try json.nextKey() == "e")
        #expect(try json.string() == "é😀\n/")
        #expect(try json.nextKey() == nil)
        try json.finish()
    }

    @Test(arguments: [
        "{\"a\":1,}", "[1,]", "[1 2]", "{a:1}", "{\"a\" 1}", "[01]", "[1.]", "[.5]", "[+1]", "[1e]", "[\"\\x\"]", "[\"\\ud800\"]",
        "[\"\\u12\"]",
        "[tru]", "[\"a\nb\"]", "[", "{\"a\":", "[\"a", "[1]]", "", "[1e400]", "[nan]",
    ])
    func refusesWhatIsNoJSON(text: String) {
        #expect(throws: TabularError.self) {
            var json = scanner(text)
            try json.skip()
            try json.finish()
        }
    }

    @Test func aBottomlessValueIsRefused() {
        #expect(throws: TabularError.self) {
            var json = scanner(String(repeating: "[", count: 100_000))
            try json.skip()
        }
    }

    @Test func errorsNameLineAndByte() {
        #expect(throws: TabularError.badJSON(FilePlace(file: "t.ndjson", line: 7), expected: "a number", offset: 1)) {
            var json = scanner("[\"1\"]")
            try json.beginArray()
            _ = try json.nextElement()
            _ = try json.number()
        }
    }

    @Test func foundationReadsWhatTheWriterWrites() throws {
        var writer = JSONWriter()
        writer.beginObject()
        writer.key("text \"\\\n\t\u{1}\u{1f}ü")
        writer.string("a\u{0}b\r/😀")
        writer.key("numbers")
        writer.beginArray()
        for value in [0, 1, -1, 0.1, 1e300, 123456789012, 2e-308] { writer.number(value) }
        writer.number(7)
        writer.endArray()
        writer.key("nested")
        writer.beginObject()
        writer.key("yes")
        writer.boolean(true)
        writer.key("none")
        writer.null()
        writer.endObject()
        writer.endObject()
        let read = try #require(try JSONSerialization.jsonObject(with: Data(writer.bytes)) as? [String: Any])
        #expect(read["text \"\\\n\t\u{1}\u{1f}ü"] as? String == "a\u{0}b\r/😀")
        #expect(read["numbers"] as? [Double] == [0, 1, -1, 0.1, 1e300, 123456789012, 2e-308, 7])
        #expect((read["nested"] as? [String: Any])?["none"] is NSNull)
    }

    @Test func linesAreCountedAndBlankOnesSkipped() throws {
        var reader = NDJSONReader(bytes: Array("\u{feff}1\n\n  \r\n22\r\n333".utf8), name: "t")
        var seen: [[Int]] = []
        while var json = try reader.next() {
            seen.append([reader.line, try json.integer()])
            try json.finish()
        }
        #expect(seen == [[1, 1], [4, 22], [5, 333]])
    }

    @Test func linesMayStraddlePieces() throws {
        var text = ""
        for index in 0..<50_000 { text += "{\"number\": \(index), \"text\": \"some words that fill the line\"}\n" }
        let path = try temporaryFile(Array(text.utf8))
        defer { removeFile(path) }
        var reader = try NDJSONReader(path: path)
        var count = 0
        while var json = try reader.next() {
            try json.beginObject()
            _ = try json.nextKey()
            guard try json.integer() == count else { break }
            count += 1
        }
        #expect(count == 50_000)
    }

    @Test func keysAreFoundInADictionary() throws {
        let bytes = Array(#"{"a": 1, "unwanted": [2], "b\u0063": 3, "é" :4 , "": 5}"#.utf8)
        func keys(_ names: KeyDictionary) throws -> [JSONScanner.Key] {
            var names = names
            var json = JSONScanner(bytes, place: FilePlace(file: "t.json", line: 1))
            var found: [JSONScanner.Key] = []
            try json.beginObject()
            while let key = try json.nextKey(in: &names) {
                found.append(key)
                try json.skip()
            }
            try json.finish()
            return found
        }
        #expect(try keys(KeyDictionary(closed: ["é", "bc", "a"])) == [.listed(2), .other(nil), .listed(1), .listed(0), .other(nil)])
        #expect(try keys(KeyDictionary(open: [])) == [.listed(0), .listed(1), .listed(2), .listed(3), .listed(4)])
    }
}
