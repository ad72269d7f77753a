/// A place in a journal: before it everything has been read, written or copied, as the holder says.
package struct JournalPosition: Hashable, Sendable, Comparable, CustomStringConvertible {
    /// Segments count from 1.
    package var segment: Int
    /// Bytes from the start of the segment's file.
    package var offset: Int

    package init(segment: Int, offset: Int) {
        self.segment = segment
        self.offset = offset
    }

    package static let start = Self(segment: 1, offset: 0)

    package static func < (left: Self, right: Self) -> Bool { (left.segment, left.offset) < (right.segment, right.offset) }

    package var description: String { "segment \(segment), byte \(offset)" }
}
