package import Logging

/// Listens to channels over a connection of its own, for as long as its task lives, and connects again whenever the connection is lost.
package struct NotificationListener: Sendable {
    private let target: ConnectionTarget
    private let channels: [String]
    private let logger: Logger
    private let firstWaitSeconds: Double
    private let longestWaitSeconds: Double

    /// - Parameters:
    ///   - firstWaitSeconds: pause before the second try to connect; each further pause is twice as long...
    ///   - longestWaitSeconds: ... up to this.
    package init(
        target: ConnectionTarget, channels: [String], logger: Logger = .silent, firstWaitSeconds: Double = 0.1,
        longestWaitSeconds: Double = 10
    ) {
        self.target = target
        self.channels = channels
        self.logger = logger
        self.firstWaitSeconds = firstWaitSeconds
        self.longestWaitSeconds = longestWaitSeconds
    }

    /// Runs until its task is cancelled, then returns.
    ///
    /// - Parameters:
    ///   - onListening: called each time listening has begun, the first time included. Notifications sent before are lost, so this is where to
    ///     read again what they would have told.
    ///   - onNotification: called for one notification after the other; those that come meanwhile wait.
    /// - Throws: `DatabaseError` if the server refuses to listen for a reason other than a lost connection.
    package func run(
        onListening: @Sendable () async -> Void = {}, _ onNotification: @Sendable (Notification) async -> Void
    ) async throws {
        guard let pipe = WakePipe() else { throw PostgresError.noFileDescriptors }
        try await withTaskCancellationHandler {
            var backoff = Backoff(first: firstWaitSeconds, cap: longestWaitSeconds)
            while !Task.isCancelled {
                do {
                    try await listen(pipe, backoff: &backoff, onListening, onNotification)
                } catch is CancellationError {
                    return
                } catch let error as DatabaseError where error.isConnectionLost || error.isRetryable {
                    if Task.isCancelled { return }
                    let seconds = backoff.next()
                    logger.debug(
                        "lost the connection that listens for notifications",
                        metadata: ["error": "\(error)", "retry.seconds": "\(seconds)"])
                    // A cancellation ends the pause, and the loop with it.
                    try? await Task.sleep(for: .seconds(seconds))
                }
            }
        } onCancel: {
            pipe.wake()
        }
    }

    private func listen(
        _ pipe: WakePipe, backoff: inout Backoff, _ onListening: @Sendable () async -> Void,
        _ onNotification: @Sendable (Notification) async -> Void
    ) async throws {
        let connection = try await Connection.open(target)
        do {
            for channel in channels { try await connection.execute("LISTEN \(identifier: channel)") }
            backoff.reset()
            await onListening()
            while !Task.isCancelled {
                // The wait blocks the connection's thread only; cancellation ends it through the pipe.
                for notification in try await connection.waitForNotifications(wakeDescriptor: pipe.readEnd, milliseconds: -1) {
                    await onNotification(notification)
                }
            }
            await connection.close()
        } catch {
            await connection.close()
            throw error
        }
    }
}
