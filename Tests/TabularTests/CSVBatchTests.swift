import Tabular
import Testing

@Suite struct CSVBatchTests {
    private func reader(_ text: String) throws -> CSVReader { try CSVReader(bytes: Array(text.utf8), name: "t.csv") }

    @Test func rowsComeInTheWantedOrderOfColumns() throws {
        var reader = try reader("a,b,c\n1,x,0.5\n-2,y,1e3\n")
        var numbers: [Double] = []
        #expect(try reader.readNumbers(columns: [2, 0], rows: 10, into: &numbers) == 2)
        #expect(numbers == [0.5, 1, 1000, -2])
        #expect(try reader.readNumbers(columns: [2, 0], rows: 10, into: &numbers) == 0)
        #expect(numbers.isEmpty)
    }

    @Test(arguments: [
        "a,b\n1,2\n3,4\n5,6\n", "a,b\r\n1,2\r\n3,4\r\n5,6", "a,b\n\"1\",2\n\n 3 ,\"4\"\n5,6\n", "\u{feff}a,b\n1.0,+2\n3,4e0\n\n5,6\n\n",
    ])
    func writingDoesNotMatter(text: String) throws {
        var reader = try reader(text)
        var numbers: [Double] = []
        #expect(try reader.readNumbers(columns: [0, 1], rows: 2, into: &numbers) == 2)
        #expect(numbers == [1, 2, 3, 4])
        #expect(try reader.readNumbers(columns: [0, 1], rows: 2, into: &numbers) == 1)
        #expect(numbers == [5, 6])
    }

    /// Rows lie across the pieces in which a file is read, at every offset.
    @Test func rowsMayStraddlePieces() throws {
        var text = "number,name,root\n"
        for index in 0..<80_000 { text += "\(index),\(index % 3 == 0 ? "\"a, b\"" : "plain"),\(Double(index).squareRoot())\n" }
        let path = try temporaryFile(Array(text.utf8))
        defer { removeFile(path) }
        var reader = try CSVReader(path: path)
        var numbers: [Double] = []
        var next = 0
        while case let count = try reader.readNumbers(columns: [0, 2], rows: 1000, into: &numbers), count > 0 {
            for row in 0..<count {
                guard numbers[2 * row] == Double(next), numbers[2 * row + 1] == Double(next).squareRoot() else {
                    Issue.record("row \(next) reads as \(numbers[2 * row]), \(numbers[2 * row + 1])")
                    return
                }
                next += 1
            }
        }
        #expect(next == 80_000)
    }

    @Test func textsBecomePositionsInADictionary() throws {
        var reader = try reader("arm,reward\nten,1\n\"five\",2\n10% off!,3\nten,4\n\"say \"\"ten\"\"\",5\n,6\n")
        var arms = KeyDictionary(open: ["five"])
        var batch = CSVBatch()
        #expect(try reader.read(numbers: [1], keys: [0], rows: 100, dictionary: &arms, into: &batch) == 6)
        #expect(arms.keys == ["five", "ten", "10% off!", "say \"ten\"", ""])
        #expect(batch.keys == [1, 0, 2, 1, 3, 4])
        #expect(batch.numbers == [1, 2, 3, 4, 5, 6])
        #expect(batch.lines == [2, 3, 4, 5, 6, 7])
        #expect(arms["ten"] == 1)
        #expect(arms["twenty"] == nil)
    }

    @Test func aDictionaryOfManyTextsFindsEach() throws {
        var text = "arm\n"
        for index in 0..<5_000 { text += "arm-\(index * 7 % 5_000)\n" }
        var reader = try reader(text)
        var arms = KeyDictionary(open: (0..<5_000).map { "arm-\($0)" })
        var batch = CSVBatch()
        #expect(try reader.read(numbers: [], keys: [0], rows: 5_000, dictionary: &arms, into: &batch) == 5_000)
        #expect(batch.keys == (0..<5_000).map { Int32($0 * 7 % 5_000) })
        #expect(arms.count == 5_000)
    }

    @Test func errorsNameTheField() throws {
        func read(_ text: String, keys: [Int] = []) throws {
            var reader = try reader(text)
            var arms = KeyDictionary(closed: ["none", "five"])
            var batch = CSVBatch()
            _ = try reader.read(numbers: [1], keys: keys, rows: 100, dictionary: &arms, into: &batch)
        }
        func place(_ line: Int, _ column: String? = nil) -> FilePlace { FilePlace(file: "t.csv", line: line, column: column) }
        #expect(throws: TabularError.badValue(place(3, "reward"), expected: "a number", found: "x")) {
            try read("arm,reward\nnone,1\nnone,x\n")
        }
        #expect(throws: TabularError.badValue(place(2, "reward"), expected: "a number", found: "")) { try read("arm,reward\nnone,\n") }
        #expect(throws: TabularError.badValue(place(2, "reward"), expected: "a number", found: "inf")) {
            try read("arm,reward\nnone,inf\n")
        }
        #expect(throws: TabularError.badValue(place(4, "reward"), expected: "a number", found: "1 2")) {
            try read("arm,reward\n\"no\nne\",1\nnone,1 2\n")
        }
        #expect(throws: TabularError.badValue(place(3, "arm"), expected: "one of none, five", found: "ten")) {
            try read("arm,reward\nnone,1\nten,2\n", keys: [0])
        }
        #expect(throws: TabularError.wrongColumnCount(place(3), expected: 2, found: 3)) { try read("arm,reward\nnone,1\nnone,1,2\n") }
        #expect(throws: TabularError.wrongColumnCount(place(2), expected: 2, found: 1)) { try read("arm,reward\nnone\nnone,1\n") }
    }
}
