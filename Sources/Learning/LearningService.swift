import Catalog
package import HaggleCore
package import Logging
package import Postgres
import ServiceLifecycle

/// The learner as a long-running service: one at a time holds the learner's lock on a database; another takes over when it is gone.
///
/// The lock only saves work. Correctness rests on the compare-and-set of every state and snapshot, so that even two learners that both
/// believe to hold it do no harm.
package struct LearningService: ServiceLifecycle.Service {
    /// What the learner tells its host about.
    package enum Event: Sendable {
        case stepped(ExperimentKey, ExperimentLearner.Step, drift: Double)
        case failed(ExperimentKey?, any Error)
    }

    private let target: ConnectionTarget
    private let logger: Logger
    private let now: @Sendable () -> Timestamp
    private let onEvent: @Sendable (Event) -> Void
    /// Pause between two rounds over all experiments.
    private let roundMilliseconds: Int

    /// - Parameters:
    ///   - target: a direct connection: a session lock does not survive a transaction pooler.
    ///   - now: the clock against which attribution windows close.
    package init(
        target: ConnectionTarget, logger: Logger, roundMilliseconds: Int = 500, now: @escaping @Sendable () -> Timestamp,
        onEvent: @escaping @Sendable (Event) -> Void = { _ in }
    ) {
        self.target = target
        self.logger = logger
        self.roundMilliseconds = roundMilliseconds
        self.now = now
        self.onEvent = onEvent
    }

    /// Learns until the service is shut down gracefully or the task is cancelled; reconnects after a lost connection.
    package func run() async throws {
        await cancelWhenGracefulShutdown {
            var pauseMilliseconds = 250
            while !Task.isCancelled {
                do {
                    try await Connection.with(target) { connection in
                        guard try await acquireLock(on: connection) else { return }
                        pauseMilliseconds = 250
                        try await learn(on: connection)
                    }
                } catch is CancellationError {
                    return
                } catch {
                    onEvent(.failed(nil, error))
                    logger.warning("learner interrupted", metadata: ["error": "\(error)"])
                }
                try? await Task.sleep(for: .milliseconds(pauseMilliseconds))
                // Capped back-off, so that a database that is away is not hammered.
                pauseMilliseconds = min(5000, pauseMilliseconds * 2)
            }
        }
    }

    private func acquireLock(on connection: Connection) async throws -> Bool {
        try await connection.query("SELECT pg_try_advisory_lock(hashtextextended('haggle/learner', 0)) AS held")[0]
            .decode("held", as: Bool.self)
    }

    private func learn(on connection: Connection) async throws {
        var learners: [ExperimentKey: ExperimentLearner] = [:]
        while !Task.isCancelled {
            var isBusy = false
            for stored in try await Catalog.experiments(on: connection) where stored.experiment.kind == .bandit {
                let key = stored.experiment.key
                do {
                    isBusy = try await step(stored, &learners[key], on: connection) || isBusy
                } catch let error as CatalogError {
                    // Somebody else changed the state: nothing was written, and the next round starts from what is committed.
                    learners[key] = nil
                    logger.debug("learner state reloaded", metadata: ["experiment": "\(key)", "error": "\(error)"])
                } catch let error as DatabaseError where error.isConnectionLost {
                    throw error
                } catch is CancellationError {
                    throw CancellationError()
                } catch {
                    learners[key] = nil
                    onEvent(.failed(key, error))
                    logger.error("learning failed", metadata: ["experiment": "\(key)", "error": "\(error)"])
                }
            }
            if !isBusy { try await Task.sleep(for: .milliseconds(roundMilliseconds)) }
        }
    }

    /// One step of one experiment.
    /// - Returns: whether more waits to be folded at once.
    private func step(_ stored: StoredExperiment, _ learner: inout ExperimentLearner?, on connection: Connection) async throws -> Bool {
        if let current = learner {
            if current.version != stored.version {
                learner = nil
            } else if try await current.isStale(on: connection) {
                learner = nil
            }
        }
        var current: ExperimentLearner
        if let learner { current = learner } else { current = try await ExperimentLearner(stored, on: connection) }
        let step = try await current.step(now: now(), on: connection)
        learner = current
        if let gate = step.gate {
            logger.debug(
                "gate", metadata: ["experiment": "\(stored.experiment.key)", "decision": "\(gate.decision)", "reason": "\(gate.reason)"])
        }
        if let defect = step.defect {
            logger.warning("increment not published", metadata: ["experiment": "\(stored.experiment.key)", "defect": "\(defect)"])
        }
        onEvent(.stepped(stored.experiment.key, step, drift: current.drift))
        return step.hasMore
    }
}
