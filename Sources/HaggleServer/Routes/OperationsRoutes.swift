import EventLog
import HaggleCore
import Hummingbird
import Postgres
import Serving

/// `/healthz`, `/readyz`, `/metrics` and `/openapi.json`.
struct OperationsRoutes: Sendable {
    let registry: ExperimentRegistry
    let pool: ConnectionPool
    let clock: ImpressionClock
    let metrics: ServiceMetrics
    /// Nil where answers wait for PostgreSQL itself.
    let journal: JournalEventSink?

    func add(to router: Router<ServiceRequestContext>) {
        router.get("/healthz") { _, _ in Response(text: "ok\n", type: "text/plain; charset=utf-8") }
        router.get("/readyz") { _, _ in
            let (reasons, remarks) = await readiness()
            var writer = JSONWriter()
            writer.beginObject()
            writer.key("ready")
            writer.boolean(reasons.isEmpty)
            writer.key("reasons")
            writer.beginArray()
            for reason in reasons { writer.string(reason) }
            writer.endArray()
            writer.key("remarks")
            writer.beginArray()
            for remark in remarks { writer.string(remark) }
            writer.endArray()
            writer.endObject()
            return Response(json: writer.bytes, status: reasons.isEmpty ? .ok : .serviceUnavailable)
        }
        router.get("/metrics") { _, _ in
            let now = clock.now()
            for entry in registry.all {
                guard let published = entry.snapshotPublishedAt else { continue }
                metrics.registry.gauge("haggle_snapshot_age_seconds", [("experiment", entry.experiment.key.rawValue)])
                    .record(now - published)
            }
            if let lag = journal?.lag {
                metrics.registry.gauge("haggle_journal_bytes", []).record(Double(lag.bytes))
                metrics.registry.gauge("haggle_journal_copied_records", []).record(Double(lag.copied))
                metrics.registry.gauge("haggle_journal_dead_letters", []).record(Double(lag.deadLetters))
                metrics.registry.gauge("haggle_journal_stalled", []).record(Double(lag.isStalled ? 1 : 0))
            }
            return Response(text: metrics.registry.render(), type: "text/plain; version=0.0.4; charset=utf-8")
        }
        router.get("/openapi.json") { _, _ in Response(json: OpenAPIDocument.render()) }
    }

    /// Why this server should not be sent requests, empty where it should; and what else an operator should know.
    private func readiness() async -> (reasons: [String], remarks: [String]) {
        var reasons: [String] = []
        var remarks: [String] = []
        if let kept = registry.keptAt {
            remarks.append("started without the database; serving the experiments that were kept on disk at \(kept)")
        } else if registry.loadedAt == nil {
            reasons.append("the experiments have not been read yet")
        }
        do {
            _ = try await pool.withConnection { try await $0.query("SELECT 1") }
        } catch {
            // With a journal the service answers without it.
            if journal == nil {
                reasons.append("the database cannot be reached")
            } else {
                remarks.append("the database cannot be reached; records wait in the journal")
            }
        }
        for entry in registry.all where entry.experiment.kind == .bandit && entry.assigner.snapshot == nil {
            reasons.append("experiment '\(entry.experiment.key)' has no usable snapshot; everybody gets control")
        }
        return (reasons, remarks)
    }
}
