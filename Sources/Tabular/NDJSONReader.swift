/// Reads newline-delimited JSON: one value a line, blank lines skipped, gzip recognised. One line is in memory at a time.
/// The last line needs no line feed; a file that was cut off, or changes while it is read, is an error.
package struct NDJSONReader: ~Copyable {
    /// The longest line that is read.
    package static let lineLimit = 1 << 24

    package let file: String
    /// The line that `next` returned last, counted from 1.
    package private(set) var line = 0
    private var source: ByteSource
    private var buffer: [UInt8] = []
    private var start = 0
    private var isExhausted = false

    package init(path: String) throws {
        source = try ByteSource(path: path)
        file = source.name
    }

    package init(bytes: [UInt8], name: String = "input") {
        source = ByteSource(bytes: bytes, name: name)
        file = name
    }

    /// The file as it was when it was opened, for a later pass to compare; nil for memory and pipes.
    package var state: FileState? { source.state }

    package var place: FilePlace { FilePlace(file: file, line: line) }

    /// A scanner at the beginning of the next line's value; nil at the end.
    package mutating func next() throws -> JSONScanner? {
        var searched = start
        while true {
            if let end = lineEnd(from: searched) {
                line += 1
                let begin = start
                start = end + 1
                searched = start
                guard !isBlank(begin, end) else { continue }
                return JSONScanner(buffer, from: begin, to: end, place: place)
            }
            if isExhausted {
                guard start < buffer.count else { return nil }
                line += 1
                let begin = start
                start = buffer.count
                return isBlank(begin, start) ? nil : JSONScanner(buffer, from: begin, to: start, place: place, mayBeUnfinished: true)
            }
            guard buffer.count - start <= Self.lineLimit else {
                throw TabularError.recordTooLong(FilePlace(file: file, line: line + 1), limit: Self.lineLimit)
            }
            buffer.removeSubrange(0..<start)
            start = 0
            searched = buffer.count
            if try !source.read(into: &buffer) { isExhausted = true }
            if line == 0, searched == 0, buffer.starts(with: [0xef, 0xbb, 0xbf]) { start = 3 }
        }
    }

    private func lineEnd(from position: Int) -> Int? {
        let bytes = buffer.span
        let end = bytes.next(10, from: position)
        return end < bytes.count ? end : nil
    }

    private func isBlank(_ begin: Int, _ end: Int) -> Bool {
        for index in begin..<end where buffer[index] != 32 && buffer[index] != 9 && buffer[index] != 13 { return false }
        return true
    }
}
