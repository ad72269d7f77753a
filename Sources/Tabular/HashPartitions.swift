/// Spreads records over temporary files by the highest bits of a hash, so that all records of one key land in one file that fits into memory,
/// however they were ordered before.
///
/// Files come in the order of the hash, also after files that are too large were split again by the next bits. Memory: 64 KiB a file.
package struct HashPartitions: ~Copyable {
    private static let bits: UInt64 = 6
    /// Files that one spreading makes.
    package static let fanOut = 1 << Int(bits)

    private let folder: TemporaryFolder
    private let level: UInt64
    private var writers: [SpillWriter?]

    package init(in folder: TemporaryFolder) { self.init(in: folder, level: 0) }

    private init(in folder: TemporaryFolder, level: UInt64) {
        self.folder = folder
        self.level = level
        writers = [SpillWriter?](repeating: nil, count: Self.fanOut)
    }

    /// - Throws: `TabularError.cannotWrite`.
    package mutating func append(_ record: some Collection<UInt8>, hash: UInt64) throws {
        let place = Int(truncatingIfNeeded: (hash << (Self.bits * level)) >> (64 - Self.bits))
        if let writer = writers[place] { return try writer.append(record, number: hash) }
        let writer = try SpillWriter(in: folder)
        writers[place] = writer
        try writer.append(record, number: hash)
    }

    /// The files that have records, by ascending hash, none above `limit` bytes unless all its records have one hash.
    package consuming func finish(limit: Int) throws -> [SpillFile] {
        var files = try writers.compactMap { try $0?.finish() }
        writers = []  // closes them
        let (folder, level) = (folder, level)
        for index in files.indices.reversed() where Self.isTooLarge(files[index], limit, level) {
            var parts = HashPartitions(in: folder, level: level + 1)
            let reader = try SpillReader(files[index])
            while let (hash, record) = try reader.next() { try parts.append(record, hash: hash) }
            files.replaceSubrange(index...index, with: try parts.finish(limit: limit))
        }
        return files
    }

    private static func isTooLarge(_ file: SpillFile, _ limit: Int, _ level: UInt64) -> Bool {
        file.byteCount > limit && file.numbers.lowerBound < file.numbers.upperBound && (level + 2) * bits <= 64
    }
}
