import Tabular
import Testing

@Suite struct CSVReaderTests {
    /// All rows as strings.
    private func rows(_ text: String) throws -> [[String]] {
        var reader = try CSVReader(bytes: Array(text.utf8), name: "t.csv")
        var rows: [[String]] = []
        while let row = try reader.next() { rows.append((0..<row.count).map { row.string(at: $0) }) }
        return rows
    }

    @Test func quotesCommasLineBreaksAndDoubledQuotes() throws {
        #expect(try rows("a,b\n\"x,1\",\"he said \"\"no\"\"\"\n\"two\nlines\",\n") == [["x,1", "he said \"no\""], ["two\nlines", ""]])
    }

    @Test(arguments: ["a,b\r\n1,2\r\n3,4\r\n", "a,b\n1,2\n3,4", "\u{feff}a,b\n1,2\n\n3,4\n\n", "\"a\",\"b\"\r\n\"1\",2\r\n3,\"4\""])
    func lineEndsMarksAndBlankLinesMakeNoDifference(text: String) throws {
        #expect(try rows(text) == [["1", "2"], ["3", "4"]])
    }

    @Test func aHeaderAloneHasNoRows() throws {
        #expect(try rows("a,b\n").isEmpty)
    }

    @Test func inOneColumnABlankLineIsAnEmptyField() throws {
        #expect(try rows("a\nx\n\ny\n") == [["x"], [""], ["y"]])
    }

    @Test func errorsNameThePlace() throws {
        #expect(throws: TabularError.empty(file: "t.csv")) { try rows("") }
        #expect(throws: TabularError.duplicateColumn(FilePlace(file: "t.csv", line: 1), name: "a")) { try rows("a,b,a\n") }
        // The quoted line break moves the bad row from line 3 to line 4.
        #expect(throws: TabularError.wrongColumnCount(FilePlace(file: "t.csv", line: 4), expected: 2, found: 3)) {
            try rows("a,b\n\"x\ny\",1\n1,2,3\n")
        }
        #expect(throws: TabularError.strayQuote(FilePlace(file: "t.csv", line: 2, column: "b"))) { try rows("a,b\n1,x\"y\n") }
        #expect(throws: TabularError.strayQuote(FilePlace(file: "t.csv", line: 2, column: "a"))) { try rows("a,b\n\"1\"x,2\n") }
        #expect(throws: TabularError.openQuote(FilePlace(file: "t.csv", line: 3, column: "b"))) { try rows("a,b\n1,2\n3,\"4\n5,6\n") }
        #expect(throws: TabularError.strayCarriageReturn(FilePlace(file: "t.csv", line: 2, column: "a"))) { try rows("a,b\n1\r,2\n") }
    }

    @Test func missingColumnsAndBadNumbersSayWhatIsThere() throws {
        var reader = try CSVReader(bytes: Array("arm,reward\nten,1.5\nfive,1 EUR\nfive,nan\n".utf8), name: "t.csv")
        #expect(throws: TabularError.missingColumn(file: "t.csv", name: "propensity", found: ["arm", "reward"])) {
            try reader.index(of: "propensity")
        }
        let reward = try reader.index(of: "reward")
        let first = try #require(try reader.next())
        #expect(try reader.number(at: reward, in: first) == 1.5)
        let second = try #require(try reader.next())
        #expect(throws: TabularError.badValue(FilePlace(file: "t.csv", line: 3, column: "reward"), expected: "a number", found: "1 EUR")) {
            try reader.number(at: reward, in: second)
        }
        let third = try #require(try reader.next())
        #expect(throws: TabularError.self) { try reader.number(at: reward, in: third) }
    }

    /// Records straddle the pieces in which a file is read, with every kind of break falling on the edge.
    @Test func recordsMayStraddlePieces() throws {
        var text = "id,text\r\n"
        for index in 0..<60_000 { text += "\(index),\"a \"\"quoted\"\"\r\ntext, \(index)\"\r\n" }
        let path = try temporaryFile(Array(text.utf8))
        defer { removeFile(path) }
        var reader = try CSVReader(path: path)
        var count = 0
        while let row = try reader.next() {
            guard row.integer(at: 0) == count, row.string(at: 1) == "a \"quoted\"\r\ntext, \(count)", row.line == 2 + 2 * count else {
                Issue.record("row \(count) reads as \(row.string(at: 0)), \(row.string(at: 1)) on line \(row.line)")
                return
            }
            count += 1
        }
        #expect(count == 60_000)
    }

    @Test func anOpenQuoteDoesNotReadTheWholeFile() throws {
        let text = "a,b\n1,\"" + String(repeating: "x\n", count: CSVReader.recordLimit / 2 + 1_000_000)
        let path = try temporaryFile(Array(text.utf8))
        defer { removeFile(path) }
        var reader = try CSVReader(path: path)
        do {
            _ = try reader.next()
            Issue.record("a record beyond the limit was read")
        } catch let error as TabularError {
            #expect(error == .recordTooLong(FilePlace(file: path, line: 2), limit: CSVReader.recordLimit))
        }
    }

    @Test func aMissingFileIsNamed() {
        #expect(throws: TabularError.cannotOpen(file: "/no/such.csv", reason: "No such file or directory")) {
            _ = try CSVReader(path: "/no/such.csv").columns
        }
    }

    @Test func whatTheWriterWritesTheReaderReads() throws {
        let rows = [["plain", "a,b"], ["\"", "line\nbreak"], ["", "\r\n"], [" spaces ", "ünïcödé"]]
        var writer = CSVWriter(columns: ["first", "se,cond"])
        var bytes = writer.header()
        for row in rows {
            for field in row { writer.field(field) }
            bytes += writer.endRow()
        }
        #expect(try self.rows(String(decoding: bytes, as: UTF8.self)) == rows)
    }
}
