import Foundation
import Synchronization

/// Results that outlive the program: a file of JSON lines to which every finished fold is appended at once.
///
/// The first line says what it is and of which data; every other holds a result under a key made of everything it depends on: data, schema,
/// model, fold, split and seed. So a search that was stopped goes on where it stood, a larger grid uses what is there, and nothing is
/// computed twice. A line that was cut off by a kill is dropped and its fold computed again. One program at a time.
package final class TrainingState: Sendable {
    private struct Header: Codable, Equatable {
        /// Version of the format.
        var haggleTrain: Int
        /// The digest of the rows.
        var data: String

        enum CodingKeys: String, CodingKey {
            case haggleTrain = "haggle_train"
            case data
        }
    }

    private struct Line: Codable {
        var key: String
        /// For a person who looks into the file.
        var model: String
        var fold: Int
        var outcome: FoldOutcome
    }

    package let path: String
    private let data: String
    private let outcomes: Mutex<[String: FoldOutcome]>
    private let file: Mutex<FileHandle>
    /// Lines that could not be read and are computed again.
    package let brokenCount: Int

    /// Opens or creates the state at a path, for the data with that digest.
    /// - Throws: `TrainingError.otherData` for a state of other data, `.notAState` for another file, `.unreadable`, `.unwritable`.
    package init(path: String, data: String) throws(TrainingError) {
        self.path = path
        self.data = data
        var read: [String: FoldOutcome] = [:]
        var broken = 0
        var bytes = Data()
        if FileManager.default.fileExists(atPath: path) {
            do {
                bytes = try Data(contentsOf: URL(filePath: path))
            } catch {
                throw .unreadable(path: path, reason: error.localizedDescription)
            }
        }
        // What follows the last line break was being written when the program ended.
        let whole = bytes.lastIndex(of: UInt8(ascii: "\n")).map { $0 + 1 } ?? 0
        let lines = bytes[..<whole].split(separator: UInt8(ascii: "\n"))
        if let first = lines.first {
            guard let header = try? JSONDecoder().decode(Header.self, from: first), header.haggleTrain == Self.format else {
                throw .notAState(path: path)
            }
            guard header.data == data else { throw .otherData(path: path, stored: header.data, found: data) }
            for line in lines.dropFirst() {
                if let line = try? Self.decoder.decode(Line.self, from: line) { read[line.key] = line.outcome } else { broken += 1 }
            }
        } else if !bytes.isEmpty, !bytes.starts(with: Data("{\"".utf8)) {
            throw .notAState(path: path)
        }
        let fresh = lines.isEmpty
        brokenCount = broken + (whole < bytes.count ? 1 : 0)
        outcomes = Mutex(read)
        do {
            if !FileManager.default.fileExists(atPath: path) { try Data().write(to: URL(filePath: path)) }
            let handle = try FileHandle(forUpdating: URL(filePath: path))
            try handle.truncate(atOffset: UInt64(whole))
            if fresh {
                try handle.write(contentsOf: Self.encoder.encode(Header(haggleTrain: Self.format, data: data)) + [UInt8(ascii: "\n")])
            }
            file = Mutex(handle)
        } catch {
            throw .unwritable(path: path, reason: error.localizedDescription)
        }
    }

    deinit { file.withLock { try? $0.close() } }

    /// How many results it holds.
    package var count: Int { outcomes.withLock { $0.count } }

    package func outcome(_ key: String) -> FoldOutcome? { outcomes.withLock { $0[key] } }

    /// Keeps a result: on the disk before this returns.
    package func append(_ outcome: FoldOutcome, key: String, model: String, fold: Int) throws(TrainingError) {
        do {
            let line = try Self.encoder.encode(Line(key: key, model: model, fold: fold, outcome: outcome)) + [UInt8(ascii: "\n")]
            try file.withLock { handle in
                try handle.write(contentsOf: line)
                try handle.synchronize()
            }
        } catch {
            throw .unwritable(path: path, reason: error.localizedDescription)
        }
        outcomes.withLock { $0[key] = outcome }
    }

    private static let format = 1
    private static var encoder: JSONEncoder {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        // A loss may be infinite; JSON has no word for it.
        encoder.nonConformingFloatEncodingStrategy = .convertToString(positiveInfinity: "inf", negativeInfinity: "-inf", nan: "nan")
        return encoder
    }
    private static var decoder: JSONDecoder {
        let decoder = JSONDecoder()
        decoder.nonConformingFloatDecodingStrategy = .convertFromString(positiveInfinity: "inf", negativeInfinity: "-inf", nan: "nan")
        return decoder
    }
}
