import Foundation
import Synchronization

#if canImport(Glibc)
import Glibc
#elseif canImport(Darwin)
import Darwin
#endif

/// Sends one HTTP request again and again over keep-alive connections to a server on this machine, one thread a connection.
///
/// Blocking sockets and no parsing beyond the status line and the content length, so that the generator costs little beside the server. It
/// ends by itself after `seconds`.
struct LoadGenerator {
    let port: UInt16
    let connections: Int
    let seconds: Double

    struct Outcome {
        var requests = 0
        var failures = 0
        var seconds = 0.0
        /// One latency per request, in seconds, unordered.
        var latencies: [Double] = []

        var perSecond: Double { Double(requests) / seconds }

        /// The latency that the given share of requests did not exceed; nil where there were none.
        func latency(quantile: Double) -> Double? {
            guard !latencies.isEmpty else { return nil }
            let sorted = latencies.sorted()
            return sorted[min(sorted.count - 1, Int(quantile * Double(sorted.count)))]
        }
    }

    /// Runs the load; `request` makes the bytes of the n-th request of a connection.
    func run(_ request: @escaping @Sendable (_ connection: Int, _ index: Int) -> [UInt8]) -> Outcome {
        let total = Mutex(Outcome())
        let start = ContinuousClock.now
        let deadline = start + .seconds(seconds)
        let threads = (0..<connections).map { connection in
            let thread = Thread {
                let outcome = drive(connection: connection, until: deadline, request)
                total.withLock {
                    $0.requests += outcome.requests
                    $0.failures += outcome.failures
                    $0.latencies += outcome.latencies
                }
            }
            thread.start()
            return thread
        }
        while threads.contains(where: { !$0.isFinished }) { usleep(2000) }
        var outcome = total.withLock { $0 }
        let elapsed = (ContinuousClock.now - start).components
        outcome.seconds = Double(elapsed.seconds) + Double(elapsed.attoseconds) / 1e18
        return outcome
    }

    private func drive(
        connection: Int, until deadline: ContinuousClock.Instant, _ request: (Int, Int) -> [UInt8]
    ) -> Outcome {
        var outcome = Outcome()
        guard let socket = LoopbackSocket(port: port) else {
            outcome.failures = 1
            return outcome
        }
        var index = 0
        while ContinuousClock.now < deadline {
            let bytes = request(connection, index)
            let sent = ContinuousClock.now
            guard socket.send(bytes), let status = socket.receiveResponse() else {
                outcome.failures += 1
                break
            }
            let latency = (ContinuousClock.now - sent).components
            outcome.latencies.append(Double(latency.attoseconds) / 1e18 + Double(latency.seconds))
            outcome.requests += 1
            if !(200..<300).contains(status) { outcome.failures += 1 }
            index += 1
        }
        return outcome
    }
}
