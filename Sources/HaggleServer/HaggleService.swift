import Catalog
package import EventLog
import HTTPTypes
import HaggleCore
import Hummingbird
import HummingbirdCore
import Learning
package import Logging
import NIOCore
import NIOPosix
package import Postgres
import ServiceLifecycle
import UnixSignals

/// The service put together: HTTP, the event log's writer, the listener for changes, and the learner.
package struct HaggleService: Sendable {
    /// Which parts this process runs.
    package enum Role: String, Sendable, CaseIterable { case all, http, learner }

    package struct Configuration: Sendable {
        package var target: ConnectionTarget
        package var host: String
        /// 0 lets the system choose; `onServing` tells which.
        package var port: Int
        package var role: Role
        /// Connections for reading; the writer, the listener and the learner have one each beside them.
        package var poolSize: Int
        /// Whether an answer waits until the database has its row on stable storage.
        package var isDurable: Bool
        /// The local journal that keeps records before PostgreSQL has them; nil lets an answer wait for PostgreSQL itself.
        package var journal: JournalEventSink.Configuration?
        /// Threads that answer requests; nil for one a core.
        package var workers: Int?
        /// Requests a second for each API key, and how many may come at once; nil for no limit.
        package var rateLimit: (perSecond: Double, burst: Double)?
        /// Connections that are open at once; further ones wait to be accepted.
        package var maximumConnections = 10_000
        /// A connection without a request is closed after so many seconds, and one whose request does not come to its end.
        package var idleSeconds = 75.0
        package var requestSeconds = 30.0
        /// What SIGHUP does; nil for nothing.
        package var reload: (@Sendable () async -> Void)?

        package init(
            target: ConnectionTarget, host: String = "127.0.0.1", port: Int = 8080, role: Role = .all, poolSize: Int = 4,
            isDurable: Bool = true, journal: JournalEventSink.Configuration? = nil
        ) {
            self.target = target
            self.host = host
            self.port = port
            self.role = role
            self.poolSize = poolSize
            self.isDurable = isDurable
            self.journal = journal
        }
    }

    private let configuration: Configuration
    private let logger: Logger
    private let onServing: @Sendable (Int) async -> Void

    /// - Parameter onServing: called with the port once requests are answered.
    package init(_ configuration: Configuration, logger: Logger, onServing: @escaping @Sendable (Int) async -> Void = { _ in }) {
        self.configuration = configuration
        self.logger = logger
        self.onServing = onServing
    }

    /// Runs until SIGTERM or SIGINT, or until the task is cancelled or its service group shuts down: each ends it the same way. Requests in
    /// flight are finished and the log is flushed before it returns.
    package func run(signals: Bool = true) async throws {
        let (stopping, stop) = AsyncStream.makeStream(of: Void.self)
        // The work has a task of its own, which is never cancelled: cancelling would tear connections from under requests in flight.
        let work = Task { try await serve(until: StopService(stopping: stopping), signals: signals) }
        try await withGracefulShutdownHandler {
            try await withTaskCancellationHandler {
                try await work.value
            } onCancel: {
                stop.finish()
            }
        } onGracefulShutdown: {
            stop.finish()
        }
    }

    private func serve(until stop: StopService, signals: Bool) async throws {
        let pool = ConnectionPool(target: configuration.target, size: configuration.poolSize, waitSeconds: 5, logger: logger)
        do {
            try await serve(until: stop, signals: signals, pool: pool)
        } catch {
            await pool.close()
            throw error
        }
        await pool.close()
    }

    private func serve(until stop: StopService, signals: Bool, pool: ConnectionPool) async throws {
        var services: [any Service] = []
        let registry = ExperimentRegistry()
        let metrics = ServiceMetrics(registry: PrometheusRegistry())
        if configuration.role != .learner {
            let keys = KeyRing(host: configuration.host)
            let state = ServingState(
                registry: registry, keys: keys, pool: pool, folder: configuration.journal.map { ServingFolder(journals: $0.directory) },
                logger: logger)
            try await state.begin()
            let sink = try sink()
            // Services stop in reverse order: first HTTP finishes its requests, then the writer keeps what they appended.
            services.append(WriterService(sink: sink))
            services.append(RegistryService(state: state, target: configuration.target))
            services.append(application(registry: registry, keys: keys, pool: pool, sink: sink, metrics: metrics))
        }
        if configuration.role != .http {
            services.append(
                LearningService(target: configuration.target, logger: logger, now: { Timestamp.now }) { metrics.count($0) })
        }
        if signals { services.append(ReloadService(reload: configuration.reload, logger: logger)) }
        if configuration.role == .learner { await onServing(0) }
        var group = ServiceGroupConfiguration(
            services: services.map { .init(service: $0) }, gracefulShutdownSignals: signals ? [.sigterm, .sigint] : [], logger: logger)
        group.services.append(.init(service: stop, successTerminationBehavior: .gracefullyShutdownGroup))
        try await ServiceGroup(configuration: group).run()
    }

    /// Where acknowledged records go.
    private func sink() throws -> any RunningEventSink {
        guard let journal = configuration.journal else {
            return PostgresEventSink(
                target: configuration.target, configuration: .init(isDurable: configuration.isDurable), logger: logger)
        }
        return try JournalEventSink(target: configuration.target, configuration: journal, logger: logger)
    }

    /// The router with every route; separate so that a test can hold it against the OpenAPI document.
    static func router(
        registry: ExperimentRegistry, keys: KeyRing, pool: ConnectionPool, sink: any EventSink, clock: ImpressionClock = ImpressionClock(),
        limiter: RateLimiter? = nil, metrics: ServiceMetrics, logger: Logger
    ) -> Router<ServiceRequestContext> {
        let router = Router(context: ServiceRequestContext.self)
        // Outermost first, so that problems get the headers too.
        router.add(middleware: SecurityHeadersMiddleware())
        router.add(middleware: ProblemMiddleware())
        router.add(middleware: CrossSiteMiddleware())
        router.add(middleware: KeyMiddleware(ring: keys, limiter: limiter))
        AssignmentRoutes(registry: registry, sink: sink, clock: clock, metrics: metrics).add(to: router)
        ConversionRoutes(registry: registry, sink: sink, clock: clock, metrics: metrics).add(to: router)
        OFREPRoutes(registry: registry, sink: sink, clock: clock, metrics: metrics).add(to: router)
        ExperimentRoutes(registry: registry, pool: pool, metrics: metrics, logger: logger).add(to: router)
        DashboardRoutes(registry: registry, analyses: AnalysisCache(pool: pool), metrics: metrics, logger: logger).add(to: router)
        ImpressionRoutes(registry: registry, pool: pool, metrics: metrics, journal: sink as? JournalEventSink).add(to: router)
        OperationsRoutes(registry: registry, pool: pool, clock: clock, metrics: metrics, journal: sink as? JournalEventSink).add(to: router)
        return router
    }

    private static func amount(_ seconds: Double) -> TimeAmount { .nanoseconds(Int64(seconds * 1e9)) }

    private func application(
        registry: ExperimentRegistry, keys: KeyRing, pool: ConnectionPool, sink: any RunningEventSink, metrics: ServiceMetrics
    ) -> some ApplicationProtocol {
        let clock = ImpressionClock()
        let limiter = configuration.rateLimit.map { RateLimiter(rate: $0.perSecond, burst: $0.burst) }
        let fast = (sink as? JournalEventSink).map {
            FastAssignment(registry: registry, keys: keys, journal: $0, clock: clock, metrics: metrics, limiter: limiter)
        }
        let (idle, request) = (Self.amount(configuration.idleSeconds), Self.amount(configuration.requestSeconds))
        return Application(
            router: Self.router(
                registry: registry, keys: keys, pool: pool, sink: sink, clock: clock, limiter: limiter, metrics: metrics, logger: logger),
            server: .http1(
                configuration: .init(
                    additionalChannelHandlers: [SlowClientHandler(idle: idle, request: request)]
                        + (fast.map { [FastAssignmentHandler($0)] } ?? []))),
            configuration: .init(
                address: .hostname(configuration.host, port: configuration.port), serverName: "haggle",
                availableConnectionsDelegate: MaximumAvailableConnections(configuration.maximumConnections)),
            onServerRunning: { [onServing] channel in await onServing(channel.localAddress?.port ?? 0) },
            eventLoopGroupProvider: configuration.workers.map { .shared(MultiThreadedEventLoopGroup(numberOfThreads: $0)) } ?? .singleton,
            logger: logger)
    }
}

/// Waits for SIGHUP, which ends a program that does not.
private struct ReloadService: Service {
    let reload: (@Sendable () async -> Void)?
    let logger: Logger

    func run() async throws {
        let signals = await UnixSignalsSequence(trapping: .sighup)
        await cancelWhenGracefulShutdown {
            for await _ in signals {
                if let reload { await reload() } else { logger.notice("SIGHUP: there are no experiment files to read again") }
            }
        }
    }
}

/// Ends the group gracefully when it is told to; a service, so that no moment exists in which the word would be lost.
private struct StopService: Service {
    let stopping: AsyncStream<Void>

    func run() async throws {
        await cancelWhenGracefulShutdown { for await _ in stopping {} }
    }
}

/// Writes the event log until shutdown, and everything that was appended before it.
private struct WriterService: Service {
    let sink: any RunningEventSink

    func run() async throws {
        try await withGracefulShutdownHandler {
            try await sink.run()
        } onGracefulShutdown: {
            sink.beginShutdown()
        }
    }
}

/// Keeps the registry in step with the database: at once when told, and every few seconds in case a notification was missed.
private struct RegistryService: Service {
    let state: ServingState
    let target: ConnectionTarget

    func run() async throws {
        let listener = NotificationListener(
            target: target, channels: [CatalogChannel.experiments, CatalogChannel.snapshots, CatalogChannel.keys], logger: state.logger)
        await cancelWhenGracefulShutdown {
            await withTaskGroup(of: Void.self) { group in
                group.addTask {
                    try? await listener.run(onListening: { await refresh() }) { _ in await refresh() }
                }
                group.addTask {
                    while !Task.isCancelled {
                        try? await Task.sleep(for: .seconds(5))
                        await refresh()
                    }
                }
                await group.waitForAll()
            }
        }
    }

    private func refresh() async {
        if Task.isCancelled { return }
        do {
            try await state.refresh()
        } catch {
            state.logger.warning("experiments not refreshed; serving goes on with what is loaded", metadata: ["error": "\(error)"])
        }
    }
}

/// Headers that cost nothing and close doors: no sniffing, no framing, nothing from elsewhere.
private struct SecurityHeadersMiddleware: RouterMiddleware {
    typealias Context = ServiceRequestContext

    @concurrent
    func handle(
        _ request: Request, context: ServiceRequestContext, next: @concurrent (Request, ServiceRequestContext) async throws -> Response
    ) async throws -> Response {
        var response = try await next(request, context)
        response.headers[.xContentTypeOptions] = "nosniff"
        // Answers are one unit's, once.
        if request.uri.path.hasPrefix("/v1/") { response.headers[.cacheControl] = "no-store" }
        if response.headers[.contentType]?.hasPrefix("text/html") ?? false {
            response.headers[.contentSecurityPolicy] =
                "default-src 'none'; style-src 'unsafe-inline'; img-src data:; frame-ancestors 'none'"
            if let name = HTTPField.Name("Referrer-Policy") { response.headers[name] = "no-referrer" }
        }
        return response
    }
}

extension ServiceMetrics {
    /// Keeps what the learner did.
    func count(_ event: LearningService.Event) {
        switch event {
        case .stepped(let key, let step, let drift):
            let labels = [("experiment", key.rawValue)]
            if step.folded > 0 { registry.counter("haggle_learner_folded_total", labels).increment(by: Int64(step.folded)) }
            if step.corrected > 0 { registry.counter("haggle_learner_corrected_total", labels).increment(by: Int64(step.corrected)) }
            if step.skipped > 0 { registry.counter("haggle_learner_skipped_total", labels).increment(by: Int64(step.skipped)) }
            if step.retrained { registry.counter("haggle_learner_retrained_total", labels).increment(by: 1) }
            if step.published != nil { registry.counter("haggle_snapshots_published_total", labels).increment(by: 1) }
            if let gate = step.gate {
                registry.counter("haggle_gate_decisions_total", labels + [("decision", gate.decision.rawValue)]).increment(by: 1)
            }
            registry.gauge("haggle_posterior_drift", labels).record(drift)
        case .failed: registry.counter("haggle_learner_failures_total", []).increment(by: 1)
        }
    }
}
