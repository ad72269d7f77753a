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
    }

    private let state = Mutex(State())
    /// Outside of the lock, which is held while a request travels: callers on the cooperative pool must not wait for that.
    private let last = Atomic<UInt64>(0)

    func connect(_ handle: consuming CancelHandle?) {
        var handle = handle
        state.withLock { $0.handle = handle.take() }
    }

    /// A number for a statement that is going to run.
    func makeTicket() -> UInt64 { last.add(1, ordering: .relaxed).newValue }

    func begin(_ ticket: UInt64) { state.withLock { $0.running = ticket } }
    func end() { state.withLock { $0.running = nil } }

    /// Cancels the statement of this ticket if it is running, or whichever is running without a ticket. Blocks.
    /// - Returns: whether there was one.
    @discardableResult
    func cancel(_ ticket: UInt64?) -> Bool {
        state.withLock { state in
            guard let running = state.running, ticket == nil || ticket == running else { return false }
            state.handle?.cancel()
            return true
        }
    }

    /// For a cancelled task's handler, which must not block.
    ///
    /// Asks again as long as the statement runs, for about 25 s: the server forgets a request that overtakes its statement.
    func cancelSoon(_ ticket: UInt64) {
        Thread.detachNewThread { [self] in
            var pause = 0.1
            while pause < 20, cancel(ticket) {
                Thread.sleep(forTimeInterval: pause)
                pause *= 2
            }
        }
    }
}
