/// Sorts more records than fit into memory: runs that are sorted each go to temporary files and are merged in the end.
package final class SortedRuns {
    /// Runs that are merged at a time.
    private static let width = 64

    private let folder: TemporaryFolder
    private var runs: [SpillFile] = []

    package init(in folder: TemporaryFolder) { self.folder = folder }

    /// Adds a run: records by ascending key.
    package func append(_ records: some Sequence<(key: [UInt8], record: [UInt8])>) throws {
        let writer = try SpillWriter(in: folder, bufferSize: 1 << 18)
        for (key, record) in records { try writer.append(key + record, number: UInt64(key.count)) }
        runs.append(try writer.finish())
    }

    /// All records by ascending key, of equal keys those of earlier runs first.
    package func merged() throws -> Merge {
        while runs.count > Self.width {
            let merge = try Merge(Array(runs.prefix(Self.width)))
            let writer = try SpillWriter(in: folder, bufferSize: 1 << 18)
            while let (key, record) = try merge.next() { try writer.append(key + record, number: UInt64(key.count)) }
            runs.replaceSubrange(0..<Self.width, with: [try writer.finish()])
        }
        return try Merge(runs)
    }

    /// Hands the merged records out.
    package final class Merge {
        private struct Head {
            var key: ArraySlice<UInt8>
            var record: ArraySlice<UInt8>
        }

        private let readers: [SpillReader]
        private var heads: [Head?] = []

        init(_ files: [SpillFile]) throws {
            readers = try files.map { try SpillReader($0, pieceSize: 1 << 16) }
            heads = try readers.map { try Self.head(of: $0) }
        }

        /// The next key and record; nil at the end.
        package func next() throws -> (key: ArraySlice<UInt8>, record: ArraySlice<UInt8>)? {
            var least: Int?
            for (index, head) in heads.enumerated() {
                guard let head else { continue }
                if let found = least, let known = heads[found], !head.key.lexicographicallyPrecedes(known.key) { continue }
                least = index
            }
            guard let least, let head = heads[least] else { return nil }
            heads[least] = try Self.head(of: readers[least])
            return (head.key, head.record)
        }

        private static func head(of reader: SpillReader) throws -> Head? {
            guard let (length, record) = try reader.next() else { return nil }
            // The reader moves its buffer on; what is kept is a copy.
            let bytes = Array(record)
            return Head(key: bytes[..<Int(length)], record: bytes[Int(length)...])
        }
    }
}
