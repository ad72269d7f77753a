import Foundation
import Tabular

/// Reads a journal's records in order, whatever state its files are in.
///
/// Bytes that are no record, a torn tail or damage in the middle, end where the next whole record begins: they come as `damaged`, so that the
/// reader can keep them, and every record whose checksum is right is read. What is torn and what is damaged cannot always be told
/// apart (a crash tears the last group of records, a bad disk can flip a bit of it), so neither is thrown away in silence.
struct JournalReader {
    enum Content: Sendable {
        case record(JournalRecord, bytes: [UInt8])
        case damaged(bytes: [UInt8], reason: String)
    }

    struct Item: Sendable {
        var content: Content
        /// Where the next one begins.
        var end: JournalPosition
    }

    let directory: String
    /// Bytes that are read at a time; more than the longest record has, so that every page holds a whole one.
    var pageSize = 2 * JournalRecord.payloadLimit

    /// The items from a position on, a page at most.
    /// - Parameter limit: nothing from it on is read; nil reads to the end of the last segment.
    /// - Returns: the items, and where to go on; `nil` there at the end.
    func page(from start: JournalPosition, limit: JournalPosition? = nil) throws -> (items: [Item], next: JournalPosition?) {
        let segments = try JournalFiles.segments(in: directory)
        guard let last = limit?.segment ?? segments.last, start.segment <= last else { return ([], nil) }
        let path = JournalFiles.path(directory, segment: start.segment)
        guard segments.contains(start.segment) else {
            if segments.isEmpty { return ([], nil) }
            throw JournalError.segmentMissing(path: path)
        }
        let whole = JournalFiles.size(path)
        let size = limit?.segment == start.segment ? min(whole, limit?.offset ?? whole) : whole
        let after = start.segment < last ? JournalPosition(segment: start.segment + 1, offset: 0) : nil
        guard start.offset < size else { return ([], after) }
        let bytes = try Self.read(path, from: start.offset, count: min(pageSize, size - start.offset))
        let isComplete = start.offset + bytes.count >= size
        var items: [Item] = []
        var position = 0
        if start.offset == 0, bytes.count >= JournalFiles.header.count {
            if bytes.starts(with: JournalFiles.header) {
                position = JournalFiles.header.count
            } else if bytes.starts(with: JournalFiles.header.dropLast(2)) {
                throw JournalError.newerFormat(path: path)
            }
        }
        func place(_ offset: Int) -> JournalPosition { JournalPosition(segment: start.segment, offset: start.offset + offset) }
        while position < bytes.count {
            switch Self.frame(in: bytes, at: position, isComplete: isComplete) {
            case .record(let end):
                let payload = bytes[(position + JournalRecord.frameHeader)..<end]
                do throws(JournalError) {
                    items.append(
                        Item(content: .record(try JournalRecord(payload: payload), bytes: Array(bytes[position..<end])), end: place(end)))
                } catch {
                    items.append(Item(content: .damaged(bytes: Array(bytes[position..<end]), reason: "\(error)"), end: place(end)))
                }
                position = end
            case .continues:
                // The rest stands on the next page.
                return (items, items.isEmpty ? place(0) : items[items.count - 1].end)
            case .damaged(let reason):
                let begin = position
                position += 1
                search: while position < bytes.count {
                    switch Self.frame(in: bytes, at: position, isComplete: isComplete) {
                    case .record, .continues: break search
                    case .damaged: position += 1
                    }
                }
                let isTail = position == bytes.count && isComplete && after == nil
                items.append(
                    Item(
                        content: .damaged(bytes: Array(bytes[begin..<position]), reason: isTail ? "a torn tail: \(reason)" : reason),
                        end: place(position)))
            }
        }
        return (items, isComplete ? after : place(bytes.count))
    }

    private enum Frame {
        case record(end: Int)
        case damaged(reason: String)
        case continues
    }

    private static func frame(in bytes: [UInt8], at start: Int, isComplete: Bool) -> Frame {
        let left = bytes.count - start
        guard left >= JournalRecord.frameHeader else {
            return isComplete ? .damaged(reason: "\(left) bytes, fewer than a record's head") : .continues
        }
        guard bytes[start..<start + 4].elementsEqual(JournalRecord.mark) else { return .damaged(reason: "no record's mark") }
        let length = Int(number(in: bytes, at: start + 4))
        guard length <= JournalRecord.payloadLimit else { return .damaged(reason: "a record of \(length) bytes") }
        guard left >= JournalRecord.frameHeader + length else {
            return isComplete ? .damaged(reason: "a record of \(length) bytes that ends too early") : .continues
        }
        let end = start + JournalRecord.frameHeader + length
        let (expected, found) = (number(in: bytes, at: start + 8), JournalRecord.checksum(bytes[start..<end]))
        return expected == found ? .record(end: end) : .damaged(reason: "checksum \(expected) expected, \(found) found")
    }

    private static func number(in bytes: [UInt8], at start: Int) -> UInt32 {
        (0..<4).reduce(0) { $0 | UInt32(bytes[start + $1]) << UInt32(8 * $1) }
    }

    private static func read(_ path: String, from offset: Int, count: Int) throws -> [UInt8] {
        do {
            let file = try FileHandle(forReadingFrom: URL(filePath: path))
            defer { try? file.close() }
            try file.seek(toOffset: UInt64(offset))
            return Array(try file.read(upToCount: count) ?? Data())
        } catch {
            throw JournalError.unreadable(path: path, reason: error.localizedDescription)
        }
    }
}
