import Foundation
import Tabular
import Testing

/// Files that were cut off, changed under the reader's hands, or are no text.
@Suite struct DamagedFileTests {
    private func rows(_ bytes: [UInt8]) throws -> Int {
        var reader = try CSVReader(bytes: bytes, name: "t.csv")
        var count = 0
        while try reader.next() != nil { count += 1 }
        return count
    }

    private func batched(_ bytes: [UInt8]) throws -> Int {
        var reader = try CSVReader(bytes: bytes, name: "t.csv")
        var numbers: [Double] = []
        return try reader.readNumbers(columns: [0, 1], rows: 100, into: &numbers)
    }

    @Test func aCompleteLastLineNeedsNoLineFeed() throws {
        #expect(try rows(Array("a,b\n1,2\n3,4".utf8)) == 2)
        #expect(try batched(Array("a,b\n1,2\n3,4".utf8)) == 2)
        var json = NDJSONReader(bytes: Array("{\"a\":1}\n{\"a\":2}".utf8), name: "t.ndjson")
        while var scanner = try json.next() {
            try scanner.skip()
            try scanner.finish()
        }
        #expect(json.line == 2)
    }

    @Test func aFileThatEndsInTheMiddleOfALineIsCutOff() throws {
        let place = FilePlace(file: "t.csv", line: 3, column: "a")
        #expect(throws: TabularError.unfinishedLine(place)) { try rows(Array("a,b\n1,2\n3".utf8)) }
        #expect(throws: TabularError.unfinishedLine(place)) { try batched(Array("a,b\n1,2\n3".utf8)) }
        // With its line feed the line is whole, but wrong.
        #expect(throws: TabularError.wrongColumnCount(FilePlace(file: "t.csv", line: 3), expected: 2, found: 1)) {
            try rows(Array("a,b\n1,2\n3\n".utf8))
        }
        #expect(throws: TabularError.openQuote(FilePlace(file: "t.csv", line: 3, column: "b"))) { try rows(Array("a,b\n1,2\n3,\"4".utf8)) }
    }

    @Test(arguments: ["{\"a\":", "{\"a\":tr", "{\"a\":\"te", "{\"a\":[1,", "{"])
    func jsonThatEndsInTheMiddleIsCutOff(text: String) throws {
        var json = NDJSONReader(bytes: Array("{\"a\":1}\n\(text)".utf8), name: "t.ndjson")
        _ = try json.next()
        #expect(throws: TabularError.unfinishedLine(FilePlace(file: "t.ndjson", line: 2))) {
            var scanner = try #require(try json.next())
            try scanner.skip()
        }
    }

    @Test(arguments: ["a,b\n1,2\n\u{0}\u{0}\u{0}\n", "a,b\n1,2\n3,\"4\u{0}\"\n", "a,b\n1,2\n3\u{0},4\n"])
    func zeroBytesAreNoText(text: String) throws {
        let bytes = Array(text.utf8)
        for read in [rows, batched] {
            do {
                _ = try read(bytes)
                Issue.record("read")
            } catch TabularError.zeroByte(let place) {
                #expect(place.line == 3)
            }
        }
    }

    @Test func zeroBytesInJSONAreSaid() throws {
        var json = NDJSONReader(bytes: [123, 0, 10], name: "t.ndjson")
        #expect(throws: TabularError.zeroByte(FilePlace(file: "t.ndjson", line: 1))) {
            var scanner = try #require(try json.next())
            try scanner.skip()
        }
    }

    /// A file that holds more than the reader asks for at once, so that its end is read after the change.
    private func withLargeFile(_ change: (String) throws -> Void) throws {
        let line = Array("0.123456789,0.987654321\n".utf8)
        let path = try temporaryFile(Array("a,b\n".utf8) + Array(repeating: line, count: 60_000).joined())
        defer { removeFile(path) }
        var reader = try CSVReader(path: path)
        _ = try reader.next()
        try change(path)
        #expect(throws: TabularError.changed(file: path)) { while try reader.next() != nil {} }
    }

    @Test func aFileThatGrowsWhileItIsReadIsAnError() throws {
        try withLargeFile { path in
            let handle = try FileHandle(forWritingTo: URL(fileURLWithPath: path))
            try handle.seekToEnd()
            try handle.write(contentsOf: Data("1,2\n".utf8))
            try handle.close()
        }
    }

    @Test func aFileThatIsReplacedWhileItIsReadIsAnError() throws {
        try withLargeFile { path in
            let other = try temporaryFile(Array("a,b\n1,2\n".utf8))
            removeFile(path)
            try FileManager.default.moveItem(atPath: other, toPath: path)
        }
    }

    @Test func aFileThatDisappearsWhileItIsReadIsAnError() throws {
        try withLargeFile { removeFile($0) }
    }

    @Test func aStateTellsFilesApart() throws {
        let path = try temporaryFile(Array("a\n1\n".utf8))
        defer { removeFile(path) }
        let state = try #require(try FileState(path: path))
        try state.check(path: path)
        try Data("a\n1\n2\n".utf8).write(to: URL(fileURLWithPath: path))
        #expect(throws: TabularError.changed(file: path)) { try state.check(path: path) }
    }
}
