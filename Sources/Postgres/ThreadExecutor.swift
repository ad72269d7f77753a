import Dispatch
import Foundation
import Synchronization

/// A serial executor that owns one thread, for an actor whose work blocks: the cooperative pool and NIO's threads never wait for libpq.
///
/// The thread starts with the executor and ends after the executor's last reference is gone and its queue is empty.
final class ThreadExecutor: SerialExecutor {
    private let mailbox = Mailbox()

    init(name: String) {
        let thread = Thread { [mailbox] in mailbox.deliver() }
        thread.name = name
        thread.start()
    }

    deinit { mailbox.post(.stop) }

    // The message keeps the executor alive until its job has run.
    func enqueue(_ job: consuming ExecutorJob) { unsafe mailbox.post(.run(UnownedJob(job), on: self)) }
}

/// Waits for work that blocks and belongs to no connection (starting a server, sending a cancel request), on a thread made for it.
func onOwnThread<Value: Sendable>(_ name: String, _ work: @Sendable @escaping () throws -> Value) async throws -> Value {
    try await withCheckedThrowingContinuation { continuation in
        let thread = Thread { continuation.resume(with: Result { try work() }) }
        thread.name = name
        thread.start()
    }
}

/// The executor's queue. The thread keeps this and not the executor, so that dropping the executor can end the thread.
private final class Mailbox: Sendable {
    enum Message: Sendable {
        case run(UnownedJob, on: ThreadExecutor)
        case stop
    }

    private let messages = Mutex<[Message]>([])
    private let available = DispatchSemaphore(value: 0)

    func post(_ message: Message) {
        messages.withLock { $0.append(message) }
        available.signal()
    }

    func deliver() {
        while true {
            available.wait()
            switch messages.withLock({ $0.removeFirst() }) {
            case .run(let job, let executor): unsafe job.runSynchronously(on: executor.asUnownedSerialExecutor())
            case .stop: return
            }
        }
    }
}
