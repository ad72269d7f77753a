import Catalog
import EventLog
import Foundation
import HaggleCore
import HaggleServer
import Learning
import Logging
import Postgres
import Synchronization
import TestSupport

/// A server on a port of its own and a database of its own.
struct RunningService: Sendable {
    let port: Int
    let target: ConnectionTarget
    let pool: ConnectionPool
    let log: CapturedLog
    private let stopping: @Sendable () async throws -> Void

    var client: LoopbackClient { LoopbackClient(port: port) }

    /// Ends the server as cancelling its task does, and returns when it has ended.
    func stop() async throws { try await stopping() }

    static func experiment(
        _ key: ExperimentKey = "checkout", kind: Experiment.Kind = .bandit, description: String = "", owner: String? = nil,
        arms: [Arm]? = nil
    ) -> Experiment {
        let weight = kind == .ab ? 0.5 : nil
        return Experiment(
            key: key, description: description, owner: owner, kind: kind, currency: "EUR",
            arms: arms ?? [
                Arm(key: "none", discount: 0, isControl: true, weight: weight),
                Arm(key: "ten", discount: 0.1, payload: .object(["banner": .string("10 % off")]), weight: weight),
            ],
            context: FeatureSchema(features: [
                Feature(name: "recency", kind: .number(missing: .median, clip: .none, transform: .identity, scale: .standard)),
                Feature(name: "channel", kind: .category(values: ["web", "app"], missing: nil)),
                Feature(name: "member", kind: .boolean(missing: false)),
            ]),
            reward: RewardConfiguration(metric: .margin, marginRate: 0.35, windowSeconds: 3600),
            policy: kind == .ab ? nil : PolicyConfiguration(algorithm: .linearThompson, floor: 0.1))
    }

    /// Lends a running server whose database has these experiments.
    @discardableResult
    static func with<Result>(
        _ experiments: [Experiment] = [experiment()], role: HaggleService.Role = .http, journal: String? = nil,
        _ body: (RunningService) async throws -> Result
    ) async throws -> Result {
        try await withDatabase { target in
            let pool = ConnectionPool(target: target, size: 2, waitSeconds: 30)
            for experiment in experiments { _ = try await apply(experiment, pool) }
            let result = try await serving(target, pool, role: role, journal: journal, body)
            await pool.close()
            return result
        }
    }

    /// Lends a running server with other settings.
    @discardableResult
    static func limited<Result>(
        hasJournal: Bool, _ change: @escaping (inout HaggleService.Configuration) -> Void, _ body: (RunningService) async throws -> Result
    ) async throws -> Result {
        let folder = FileManager.default.temporaryDirectory.appending(path: "haggle-limits-\(UUID().uuidString)").path
        defer { try? FileManager.default.removeItem(atPath: folder) }
        return try await withDatabase { target in
            let pool = ConnectionPool(target: target, size: 2, waitSeconds: 30)
            _ = try await apply(experiment(), pool)
            let result = try await serving(target, pool, role: .http, journal: hasJournal ? folder : nil, change: change, body)
            await pool.close()
            return result
        }
    }

    /// Lends one more server on the database of this one.
    @discardableResult
    func withSecond<Result>(_ body: (RunningService) async throws -> Result) async throws -> Result {
        try await Self.serving(target, pool, role: .http, body)
    }

    /// What `haggle apply` does.
    static func apply(_ experiment: Experiment, _ pool: ConnectionPool) async throws -> ExperimentVersion {
        try await pool.withTransaction { connection in
            let version = try await Catalog.store(experiment, sourceText: "", by: "test", on: connection)
            try await SnapshotPublisher.adopt(experiment, version: version, startsOver: false, on: connection)
            return version
        }
    }

    private static func serving<Result>(
        _ target: ConnectionTarget, _ pool: ConnectionPool, role: HaggleService.Role, journal: String? = nil,
        change: (inout HaggleService.Configuration) -> Void = { _ in }, _ body: (RunningService) async throws -> Result
    ) async throws -> Result {
        let log = CapturedLog()
        let (ports, opened) = AsyncStream.makeStream(of: Int.self)
        var configuration = HaggleService.Configuration(
            target: target, port: 0, role: role, journal: journal.map { JournalEventSink.Configuration(directory: $0) })
        change(&configuration)
        let service = HaggleService(configuration, logger: log.logger) { port in opened.yield(port) }
        let running = Task {
            defer { opened.finish() }
            try await service.run(signals: false)
        }
        let stop: @Sendable () async throws -> Void = {
            running.cancel()
            try await running.value
        }
        var iterator = ports.makeAsyncIterator()
        guard let port = await iterator.next() else {
            try await running.value
            throw LoopbackClient.Broken()
        }
        do {
            let result = try await body(RunningService(port: port, target: target, pool: pool, log: log, stopping: stop))
            try await stop()
            return result
        } catch {
            try? await stop()
            throw error
        }
    }

    // MARK: Asking

    func assign(_ body: String, to experiment: String = "checkout") async throws -> LoopbackClient.Answer {
        try await client.post("/v1/experiments/\(experiment)/assignments", body)
    }

    func count(_ sql: SQL) async throws -> Int { try await pool.withConnection { try await $0.query(sql)[0].decode(0, as: Int.self) } }

    /// Asks until the answer is as wanted; false where it never was within the time.
    func eventually(within seconds: Double = 10, _ isTrue: () async throws -> Bool) async throws -> Bool {
        let end = ContinuousClock.now + .seconds(seconds)
        while ContinuousClock.now < end {
            if try await isTrue() { return true }
            try await Task.sleep(for: .milliseconds(20))
        }
        return false
    }
}

/// Keeps what a server logs at `error` and above.
final class CapturedLog: Sendable {
    private let lines = Mutex<[String]>([])

    var errors: [String] { lines.withLock { $0 } }

    var logger: Logger { Logger(label: "test") { _ in Handler(log: self) } }

    fileprivate func append(_ line: String) { lines.withLock { $0.append(line) } }

    private struct Handler: LogHandler {
        let log: CapturedLog
        var logLevel = Logger.Level.error
        var metadata: Logger.Metadata = [:]

        init(log: CapturedLog) { self.log = log }

        subscript(metadataKey key: String) -> Logger.Metadata.Value? {
            get { metadata[key] }
            set { metadata[key] = newValue }
        }

        func log(event: LogEvent) { log.append("\(event.message) \(event.metadata ?? [:])") }
    }
}
