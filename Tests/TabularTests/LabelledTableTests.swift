import Tabular
import Testing

@Suite struct LabelledTableTests {
    private func table(_ text: String) throws -> LabelledTable {
        let path = try temporaryFile(Array(text.utf8))
        defer { removeFile(path) }
        return try LabelledTable(path: path, label: "label")
    }

    private func message(_ text: String) -> String {
        do {
            _ = try table(text)
            return "no error"
        } catch { return "\(error)" }
    }

    @Test func numbersAreContextAndTextsAreLeftOut() throws {
        let table = try table("a,label,note,b\n1,yes,hello,2.5\n-3,no,world,4e2\n")
        #expect(table.columns == ["a", "b"])
        #expect(table.skipped == ["note"])
        #expect(table.values == [1, 2.5, -3, 400])
        #expect(table.labels == ["yes", "no"])
    }

    @Test func errorsNameLineAndColumn() {
        #expect(message("a,b\n1,2\n").contains(":1: expected a column `label`"))
        #expect(message("a,label\n1,x\ntwo,y\n").contains(":3: column a: expected a number, found `two`"))
        #expect(message("a,label\n1,x\n,y\n").contains(":3: column a: expected a number, found ``"))
        #expect(message("a,label\n1,x\n2,\n").contains(":3: column label: expected a label"))
        #expect(message("a,label\n1,x\n1e39,y\n").contains(":3: column a: expected a number of size at most"))
        #expect(message("a,label\n").contains(":2: column label: expected at least one row"))
        #expect(message("a,label\n1,x\n1,y,z\n").contains(":3"))
    }

    private func order(_ text: String) throws -> [Int] {
        let path = try temporaryFile(Array(text.utf8))
        defer { removeFile(path) }
        return try readOrder(path: path, rowCount: 4)
    }

    @Test(arguments: ["2\n0\n3\n", "2\r\n0\r\n3", "\n2\n0\n3\n\n"])
    func anOrderIsAPositionALine(text: String) throws { #expect(try order(text) == [2, 0, 3]) }

    @Test(arguments: [("0\n4\n", ":2: "), ("0\n-1\n", ":2: "), ("0\n1\nx\n", ":3: "), ("0\n1\n0\n", ":3: "), ("", "empty")])
    func anOrderThatDoesNotFitTheRowsNamesItsLine(text: String, expected: String) {
        do {
            _ = try order(text)
            Issue.record("no error")
        } catch { #expect("\(error)".contains(expected)) }
    }
}
