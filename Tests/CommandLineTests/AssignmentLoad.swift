import Foundation
import Synchronization

/// Clients that ask a service for assignments as fast as it answers, until it dies.
final class AssignmentLoad: Sendable {
    private let ids = Mutex<Set<String>>([])
    private let isStopped = Atomic<Bool>(false)
    private let running: Atomic<Int>

    /// - Parameter unitPrefix: starts the units' ids.
    init(port: UInt16, clients: Int, unitPrefix: String) {
        running = Atomic(clients)
        for client in 0..<clients {
            let thread = Thread { [self] in
                defer { running.subtract(1, ordering: .releasing) }
                guard let socket = LoopbackConnection(port: port) else { return }
                var index = 0
                while !isStopped.load(ordering: .relaxed) {
                    guard let id = socket.assign(unit: "\(unitPrefix)\(client)-\(index)") else { return }
                    ids.withLock { _ = $0.insert(id) }
                    index += 1
                }
            }
            thread.start()
        }
    }

    /// Ends every client.
    /// - Returns: the impressions that were acknowledged.
    func stop() async throws -> Set<String> {
        isStopped.store(true, ordering: .relaxed)
        while running.load(ordering: .acquiring) > 0 { try await Task.sleep(for: .milliseconds(5)) }
        return ids.withLock { $0 }
    }
}
