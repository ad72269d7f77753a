package import HaggleCore
import Synchronization

/// Keeps records in memory by the rules of the log: for tests and simulations without a database.
package final class MemoryEventSink: EventSink {
    fileprivate struct State {
        var impressions: [Impression] = []
        var positions: [ImpressionID: Int] = [:]
        var requests: [[String]: ImpressionID] = [:]
        var units: [[String]: ImpressionID] = [:]
        var activations: [ImpressionID: Timestamp] = [:]
        var conversions: [Conversion] = []
        var conversionIDs: Set<ConversionID> = []
        var isClosed = false
    }

    private let state = Mutex(State())

    package init() {}

    package var impressions: [Impression] { state.withLock { $0.impressions } }
    package var conversions: [Conversion] { state.withLock { $0.conversions } }
    package var activations: [ImpressionID: Timestamp] { state.withLock { $0.activations } }

    @discardableResult
    package func append(_ impression: Impression, requestID: String?, stickySalt: String?) async throws -> AppendedImpression {
        try state.withLock { state in
            if state.isClosed { throw EventLogError.closed }
            let pending = LogBatch.PendingImpression(impression: impression, requestID: requestID, stickySalt: stickySalt)
            var resolver = RepetitionResolver([pending])
            if let asked = resolver.requests() {
                let first = state.requests.first([asked.experiments[0], asked.requestIDs[0]], orNow: impression.id)
                resolver.take([first], for: .request)
                resolver.takeRows(state.rows(resolver.unknownRows))
                resolver.resolveDuplicates()
            }
            if let asked = resolver.stickyUnits() {
                let first = state.units.first([asked.experiments[0], asked.salts[0], asked.units[0]], orNow: impression.id)
                resolver.take([first], for: .sticky)
                resolver.takeRows(state.rows(resolver.unknownRows))
                resolver.resolveRepetitions()
            }
            let resolved = resolver.resolved[0]
            if state.positions[resolved.row.id] == nil {
                state.positions[resolved.row.id] = state.impressions.count
                state.impressions.append(resolved.row)
            }
            return resolved.appended
        }
    }

    package func activate(_ id: ImpressionID, at time: Timestamp) async throws -> Bool {
        try state.withLock { state in
            if state.isClosed { throw EventLogError.closed }
            guard let row = state.rows([id]).first else { return false }
            for id in [id, row.repeatedOf ?? row.duplicateOf ?? id] where state.activations[id] == nil { state.activations[id] = time }
            return true
        }
    }

    @discardableResult
    package func append(_ conversions: [Conversion]) async throws -> ConversionReceipt {
        try state.withLock { state in
            if state.isClosed { throw EventLogError.closed }
            var receipt = ConversionReceipt()
            for (index, conversion) in conversions.enumerated() {
                if let refusal = conversion.refusal() {
                    receipt.rejected.append(.init(index: index, code: refusal.code, detail: refusal.detail))
                } else if state.conversionIDs.insert(conversion.id).inserted {
                    state.conversions.append(conversion)
                    receipt.accepted += 1
                } else {
                    receipt.duplicates += 1
                }
            }
            return receipt
        }
    }

    package func flush() async throws {}

    package func shutdown() async { state.withLock { $0.isClosed = true } }
}

extension MemoryEventSink.State {
    fileprivate func rows(_ ids: [ImpressionID]) -> [Impression] { ids.compactMap { positions[$0].map { impressions[$0] } } }
}

extension Dictionary<[String], ImpressionID> {
    /// The id that holds the key; from now on `id` where nobody does.
    fileprivate mutating func first(_ key: [String], orNow id: ImpressionID) -> ImpressionID {
        if let known = self[key] { return known }
        self[key] = id
        return id
    }
}
