import Foundation
import Testing

@testable import Tabular

@Suite struct SpillTests {
    private func hash(_ value: Int) -> UInt64 {
        let bytes = Array(String(value).utf8)
        return RowDigest.hash(bytes.span, from: 0, to: bytes.count)
    }

    /// 20 000 records of 500 keys with a limit that needs a second spreading: every record once, keys never split, files in hash order.
    @Test(arguments: [1 << 20, 2000])
    func partitionsKeepKeysTogetherInOrderOfTheHash(limit: Int) throws {
        let parent = FileManager.default.temporaryDirectory.path
        var folderPath = ""
        do {
            let folder = try TemporaryFolder(in: parent)
            folderPath = folder.path
            var partitions = HashPartitions(in: folder)
            for index in 0..<20_000 { try partitions.append(Array("\(index % 500):\(index)".utf8), hash: hash(index % 500)) }
            let files = try partitions.finish(limit: limit)
            var seen: [String] = []
            var last: UInt64 = 0
            for file in files {
                #expect(file.byteCount <= limit || file.numbers.lowerBound == file.numbers.upperBound)
                #expect(file.numbers.lowerBound > last)
                last = file.numbers.upperBound
                let records = try file.records()
                #expect(records.records.count == file.recordCount)
                for record in records.records {
                    let text = String(decoding: records.bytes[record.start..<record.end], as: UTF8.self)
                    let key = try #require(text.split(separator: ":").first.flatMap { Int($0) })
                    #expect(record.number == hash(key))
                    seen.append(text)
                }
            }
            #expect(seen.sorted() == (0..<20_000).map { "\($0 % 500):\($0)" }.sorted())
            #expect(limit > 2000 || files.count > HashPartitions.fanOut)
        }
        #expect(!FileManager.default.fileExists(atPath: folderPath))
    }

    /// More runs than are merged at a time.
    @Test func runsAreMergedByTheirKeys() throws {
        let folder = try TemporaryFolder(in: FileManager.default.temporaryDirectory.path)
        let runs = SortedRuns(in: folder)
        for run in 0..<150 {
            try runs.append((0..<10).map { (key: [UInt8($0), UInt8(run)], record: Array("\($0)/\(run)".utf8)) })
        }
        let merge = try runs.merged()
        var merged: [String] = []
        while let (_, record) = try merge.next() { merged.append(String(decoding: record, as: UTF8.self)) }
        #expect(merged == (0..<10).flatMap { key in (0..<150).map { "\(key)/\($0)" } })
    }

    @Test func aDigestTellsWhereFieldsEnd() throws {
        var reader = try CSVReader(bytes: Array("a,b\nab,c\na,bc\n\"ab\",c\n".utf8))
        var digests: [RowDigest] = []
        while let row = try reader.next() { digests.append(row.digest) }
        #expect(digests[0] != digests[1])
        #expect(digests[0] == digests[2])
    }
}
