import HaggleCore
import Synchronization

/// The evaluations of this epoch that are kept already, so that a client's polling does not fill the journal. What is forgotten here is only
/// written once more: the log keeps one row of an id.
final class KeptEvaluations: Sendable {
    /// Beyond so many everything is forgotten.
    private static let limit = 100_000

    private struct State {
        var epoch = Timestamp(microseconds: 0)
        var rows: [ImpressionID: Impression] = [:]
        var activated: Set<ImpressionID> = []
    }

    private let state = Mutex(State())

    /// The row as it was answered; without its context.
    func row(_ id: ImpressionID) -> Impression? { state.withLock { $0.rows[id] } }

    func isActivated(_ id: ImpressionID) -> Bool { state.withLock { $0.activated.contains(id) } }

    func keep(_ id: ImpressionID, answered row: Impression) {
        var row = row
        row.context = Context()
        state.withLock { state in
            if state.epoch != id.time || state.rows.count >= Self.limit { state = State(epoch: id.time) }
            state.rows[id] = row
        }
    }

    func keepActivation(_ id: ImpressionID) { state.withLock { if $0.rows[id] != nil { $0.activated.insert(id) } } }
}
