/// What a journal refuses or cannot do.
package enum JournalError: Error, Hashable, Sendable {
    /// The journals below the directory hold as much as they may.
    case full(used: Int, limit: Int)
    /// The disk did not take the record: it is not kept.
    case notWritten(path: String, reason: String)
    case closed
    /// Another process writes or drains this journal.
    case inUse(path: String)
    /// Another process has moved the offset in between.
    case takenOver(journal: String)
    /// A file that a later version of this program wrote.
    case newerFormat(path: String)
    /// A segment before the last one is not there, and was not copied yet.
    case segmentMissing(path: String)
    case unreadable(path: String, reason: String)
    /// A record that cannot be told apart from damage.
    case malformed(reason: String)
}

extension JournalError: CustomStringConvertible {
    package var description: String {
        switch self {
        case .full(let used, let limit):
            "the journal holds \(used) bytes of the \(limit) it may; the database has to take them first (raise the limit, or try again later)"
        case .notWritten(let path, let reason): "\(path): the record could not be kept (\(reason)); try again later"
        case .closed: "the journal has been shut down"
        case .inUse(let path): "\(path): a running process uses this journal; it drains by itself"
        case .takenOver(let journal): "journal \(journal): another process drains it; this one stops"
        case .newerFormat(let path): "\(path): written by a later version of haggle; drain it with that version"
        case .segmentMissing(let path): "\(path): expected this segment, whose records are not in the database yet; restore the file"
        case .unreadable(let path, let reason): "\(path): cannot be read: \(reason)"
        case .malformed(let reason): reason
        }
    }
}
