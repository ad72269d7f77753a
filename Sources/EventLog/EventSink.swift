package import HaggleCore

/// Where acknowledged records go. Each call returns only when its records are on stable storage.
///
/// The seam between answering and keeping: today the database itself, with group commit; a journal can stand in its place.
package protocol EventSink: Sendable {
    /// Keeps an impression.
    /// - Parameters:
    ///   - requestID: the client's id of its request. A second impression with the same one is kept as a duplicate, and the answer is the first.
    ///   - stickySalt: where the experiment is sticky, its salt: the unit's first counted impression under it is the one that was drawn, and
    ///     later ones are kept as its repetitions, with its arm.
    /// - Returns: what to answer.
    /// - Throws: `EventLogError`; then nothing is acknowledged.
    @discardableResult
    func append(_ impression: Impression, requestID: String?, stickySalt: String?) async throws -> AppendedImpression

    /// Records that a deferred assignment was really shown. Again changes nothing.
    /// - Returns: false where no impression has that id.
    func activate(_ id: ImpressionID, at time: Timestamp) async throws -> Bool

    /// Keeps conversions; ids that are known already change nothing.
    @discardableResult
    func append(_ conversions: [Conversion]) async throws -> ConversionReceipt

    /// Returns when everything appended before is kept.
    func flush() async throws

    /// Refuses new records and returns when the old ones are kept (or have failed).
    func shutdown() async
}

/// A sink whose writing somebody has to run.
package protocol RunningEventSink: EventSink {
    /// Writes until `beginShutdown()` and everything before it is kept, or until its task is cancelled.
    func run() async throws

    /// Refuses new records; `run()` writes those that wait and returns.
    func beginShutdown()
}

/// What became of an impression.
package enum AppendedImpression: Hashable, Sendable {
    /// Kept as it was given.
    case stored(Impression)
    /// The request was known: the impression that was answered then, which is the answer now.
    case duplicate(of: Impression)
    /// The sticky unit was known: the new row, with the drawn one's arm and not counted, and the row that was drawn.
    case repeated(Impression, of: Impression)

    /// The row to answer with.
    package var answer: Impression {
        switch self {
        case .stored(let row), .duplicate(of: let row), .repeated(let row, of: _): row
        }
    }
}

/// What became of an array of conversions.
package struct ConversionReceipt: Hashable, Sendable {
    /// Newly kept.
    package var accepted: Int
    /// Known before, or twice in the array.
    package var duplicates: Int
    package var rejected: [Rejection]

    package init(accepted: Int = 0, duplicates: Int = 0, rejected: [Rejection] = []) {
        self.accepted = accepted
        self.duplicates = duplicates
        self.rejected = rejected
    }

    package struct Rejection: Hashable, Sendable {
        package enum Code: String, Hashable, Sendable {
            case emptyID = "empty_id"
            case notFinite = "not_finite"
            case future = "future"
            /// The database refused what it holds.
            case refused = "refused"
        }

        /// Position in the array that was sent.
        package var index: Int
        package var code: Code
        package var detail: String

        package init(index: Int, code: Code, detail: String) {
            self.index = index
            self.code = code
            self.detail = detail
        }
    }
}

extension Conversion {
    /// How far ahead of the clock that received it a conversion may claim to be.
    package static let futureToleranceSeconds = 300.0

    /// Why the log does not take this conversion, if it does not.
    func refusal() -> (code: ConversionReceipt.Rejection.Code, detail: String)? {
        if id.rawValue.isEmpty { return (.emptyID, "conversion_id: expected some text") }
        if !value.isFinite { return (.notFinite, "value: expected a finite number") }
        if let margin, !margin.isFinite { return (.notFinite, "margin: expected a finite number") }
        if occurredAt - receivedAt > Self.futureToleranceSeconds {
            return (.future, "occurred_at: expected a time at most 5 minutes ahead")
        }
        return nil
    }
}
