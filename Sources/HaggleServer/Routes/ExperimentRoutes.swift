import Catalog
import Foundation
import HTTPTypes
import HaggleCore
import Hummingbird
import Logging
import Postgres
import Serving

/// `/v1/experiments`, one experiment, its kill switch.
struct ExperimentRoutes: Sendable {
    let registry: ExperimentRegistry
    let pool: ConnectionPool
    let metrics: ServiceMetrics
    let logger: Logger

    func add(to router: Router<ServiceRequestContext>) {
        router.get("/v1/experiments") { _, _ in
            try await metrics.time(.read) {
                var writer = JSONWriter()
                writer.beginArray()
                for entry in registry.all { try write(entry, into: &writer) }
                writer.endArray()
                return Response(json: writer.bytes)
            }
        }
        router.get("/v1/experiments/:key") { _, context in
            try await metrics.time(.read) {
                let key = ExperimentKey(try context.parameters.require("key"))
                guard let entry = registry[key] else { throw ServiceProblem.unknownExperiment(key.rawValue) }
                var writer = JSONWriter()
                try write(entry, into: &writer)
                return Response(json: writer.bytes)
            }
        }
        for (action, isPaused) in [("pause", true), ("resume", false)] {
            router.post("/v1/experiments/:key/\(action)") { _, context in
                try await metrics.time(.admin) {
                    let key = ExperimentKey(try context.parameters.require("key"))
                    try await pool.withTransaction { connection in
                        try await Catalog.setPaused(isPaused, experiment: key, by: "http", note: nil, on: connection)
                    }
                    // This server obeys at once; the others are told by NOTIFY.
                    try await registry.refresh(from: pool, logger: logger)
                    return Response(status: .noContent)
                }
            }
        }
    }

    private func write(_ entry: ExperimentRegistry.Entry, into writer: inout JSONWriter) throws {
        let experiment = entry.experiment
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys]
        writer.beginObject()
        writer.key("experiment")
        writer.string(experiment.key.rawValue)
        writer.key("version")
        writer.integer(entry.assigner.version.rawValue)
        writer.key("type")
        writer.string(experiment.kind.rawValue)
        writer.key("status")
        writer.string(experiment.status.rawValue)
        writer.key("paused")
        writer.boolean(entry.assigner.isPaused)
        writer.key("snapshot")
        if let snapshot = entry.assigner.snapshot { writer.integer(snapshot.rawValue) } else { writer.null() }
        writer.key("arms")
        writer.raw(Array(try encoder.encode(experiment.arms)))
        writer.key("configuration")
        writer.raw(Array(try encoder.encode(experiment)))
        writer.endObject()
    }
}
