import Tabular
import Testing

@Suite struct GzipTests {
    /// `printf 'arm,reward\nten,1.5\n' | gzip -n9`, made by gzip 1.12.
    private let first: [UInt8] = GzipFixture.first
    /// `printf 'five,2\n' | gzip -n9`.
    private let second: [UInt8] = GzipFixture.second

    private func arms(_ bytes: [UInt8]) throws -> [String] {
        var reader = try CSVReader(bytes: bytes, name: "t.csv.gz")
        var arms: [String] = []
        while let row = try reader.next() { arms.append(row.string(at: 0)) }
        return arms
    }

    @Test func gzipIsRecognised() throws { #expect(try arms(first) == ["ten"]) }

    @Test func membersFollowOneAnother() throws { #expect(try arms(first + second) == ["ten", "five"]) }

    @Test func aCutOffFileIsAnError() {
        #expect(throws: TabularError.damagedGzip(file: "t.csv.gz")) { try arms(first.dropLast(9)) }
    }

    @Test func aDamagedFileIsAnError() {
        var damaged = first
        damaged[damaged.count - 6] ^= 0xff  // in the checksum
        #expect(throws: TabularError.damagedGzip(file: "t.csv.gz")) { try arms(damaged) }
    }
}
