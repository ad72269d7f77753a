import HaggleCore

/// What waits to be written, and whether more may come: the pure part of the sink.
struct AppendQueue: Sendable {
    typealias ImpressionReply = CheckedContinuation<AppendedImpression, any Error>
    typealias ActivationReply = CheckedContinuation<Bool, any Error>
    typealias ConversionReply = CheckedContinuation<[LogBatch.Outcome.OfConversion], any Error>
    typealias FlushReply = CheckedContinuation<Void, any Error>

    enum Entry: Sendable {
        case impression(LogBatch.PendingImpression, ImpressionReply)
        case activation(LogBatch.Activation, ActivationReply)
        case conversions([Conversion], ConversionReply)
        case flush(FlushReply)

        var recordCount: Int {
            switch self {
            case .impression, .activation: 1
            case .conversions(let conversions, _): conversions.count
            case .flush: 0
            }
        }

        func fail(_ error: any Error) {
            switch self {
            case .impression(_, let reply): reply.resume(throwing: error)
            case .activation(_, let reply): reply.resume(throwing: error)
            case .conversions(_, let reply): reply.resume(throwing: error)
            case .flush(let reply): reply.resume(throwing: error)
            }
        }
    }

    /// An entry and since when it waits.
    struct Waiting: Sendable {
        var entry: Entry
        var since: ContinuousClock.Instant
    }

    let recordLimit: Int
    private var waiting: [Waiting] = []
    private(set) var recordCount = 0
    private(set) var isClosed = false
    /// Whether somebody takes what waits.
    var isServed = false

    init(recordLimit: Int) { self.recordLimit = recordLimit }

    var isEmpty: Bool { waiting.isEmpty }

    /// Takes an entry, or says why not.
    mutating func add(_ entry: Entry, at time: ContinuousClock.Instant) -> EventLogError? {
        if isClosed { return .closed }
        let count = entry.recordCount
        // One call larger than the queue is let in when nothing else waits, or it could never be.
        if recordCount > 0, count > 0, recordCount + count > recordLimit { return .overloaded(waiting: recordCount) }
        waiting.append(Waiting(entry: entry, since: time))
        recordCount += count
        return nil
    }

    /// Removes the oldest entries, up to `limit` records; a single larger call comes alone.
    mutating func take(upTo limit: Int) -> [Waiting] {
        var end = 0
        var records = 0
        while end < waiting.count {
            let count = waiting[end].entry.recordCount
            if end > 0, records + count > limit { break }
            records += count
            end += 1
        }
        let taken = Array(waiting[..<end])
        waiting.removeFirst(end)
        recordCount -= records
        return taken
    }

    /// Takes nothing more. `reply` is resumed when what waits has been written.
    /// - Returns: what nobody will write, for the caller to fail.
    mutating func close(_ reply: FlushReply? = nil) -> [Waiting] {
        isClosed = true
        if let reply { waiting.append(Waiting(entry: .flush(reply), since: .now)) }
        return isServed ? [] : takeAll()
    }

    mutating func takeAll() -> [Waiting] {
        defer {
            waiting = []
            recordCount = 0
        }
        return waiting
    }
}
