import Foundation
import Synchronization

/// Cancels the statement that runs now, and never the one after it.
///
/// The lock is held while the request travels. So the end of the statement waits for it, and since the server has taken the request by then, it
/// cannot hit the connection's next statement.
final class StatementCanceller: Sendable {
    private struct State: ~Copyable {
        var handle: CancelHandle?
        var running: UInt64?
        var last: UInt64 = 0
    }

    private let state = Mutex(State())

    func connect(_ handle: consuming CancelHandle?) {
        var handle = handle
        state.withLock { $0.handle = handle.take() }
    }

    /// A number for a statement that is going to run.
    func makeTicket() -> UInt64 {
        state.withLock {
            $0.last += 1
            return $0.last
        }
    }

    func begin(_ ticket: UInt64) { state.withLock { $0.running = ticket } }
    func end() { state.withLock { $0.running = nil } }

    /// Cancels the statement of this ticket if it is running, or whichever is running without a ticket. Blocks.
    func cancel(_ ticket: UInt64?) {
        state.withLock { state in
            guard let running = state.running, ticket == nil || ticket == running else { return }
            state.handle?.cancel()
        }
    }

    /// For a cancelled task's handler, which must not block.
    func cancelSoon(_ ticket: UInt64) { Thread.detachNewThread { [self] in cancel(ticket) } }
}
