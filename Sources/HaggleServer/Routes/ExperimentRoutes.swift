import Analysis
import Catalog
import EventLog
import Foundation
import HTTPTypes
import HaggleCore
import Hummingbird
import Logging
import Policies
import Postgres
import Serving

/// `/v1/experiments`, one experiment, its kill switch, `/v1/impressions/{id}` and its explanation.
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
        router.get("/v1/impressions/:id") { _, context in
            try await metrics.time(.read) {
                guard let id = ImpressionID(try context.parameters.require("id")) else {
                    throw ServiceProblem.badRequest("impression_id", "expected a UUID in the path")
                }
                guard let impression = try await EventLogReader(pool: pool).impression(id) else {
                    throw ServiceProblem(status: .notFound, code: "unknown_impression", detail: "no impression with this id is logged")
                }
                return Response(json: try Self.render(impression))
            }
        }
        router.get("/v1/impressions/:id/explanation") { _, context in
            try await metrics.time(.read) {
                guard let id = ImpressionID(try context.parameters.require("id")) else {
                    throw ServiceProblem.badRequest("impression_id", "expected a UUID in the path")
                }
                // Few coalitions: a request must not keep a core busy for seconds. `haggle explain` takes more.
                guard
                    let explanation = try await ImpressionExplanation.explain(
                        id, pool: pool, backgroundCount: 30, options: .init(shapley: .init(exactLimit: 8, coalitionCount: 512)))
                else {
                    throw ServiceProblem(status: .notFound, code: "unknown_impression", detail: "no impression with this id is logged")
                }
                let encoder = JSONEncoder()
                encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
                return Response(json: Array(try encoder.encode(explanation)))
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

    /// The logged row. Its context is shown because whoever may read impressions may read contexts.
    private static func render(_ impression: Impression) throws -> [UInt8] {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys]
        var writer = JSONWriter()
        func text(_ name: String, _ value: String?) {
            writer.key(name)
            if let value { writer.string(value) } else { writer.null() }
        }
        func number(_ name: String, _ value: Double?) {
            writer.key(name)
            if let value { writer.number(value) } else { writer.null() }
        }
        writer.beginObject()
        text("impression_id", impression.id.description)
        text("experiment", impression.experiment.rawValue)
        number("experiment_version", Double(impression.experimentVersion.rawValue))
        text("unit", impression.unit?.rawValue)
        text("variant", impression.variant.description)
        text("reason", impression.reason.rawValue)
        writer.key("context")
        writer.raw(Array(try encoder.encode(impression.context)))
        writer.key("eligible_arms")
        writer.raw(Array(try encoder.encode(impression.eligibleArms)))
        writer.key("propensities")
        writer.raw(Array(try encoder.encode(impression.propensities)))
        text("arm", impression.arm.rawValue)
        number("propensity", impression.propensity)
        number("snapshot", impression.snapshot.map { Double($0.rawValue) })
        text("draw_key", impression.drawKey)
        writer.key("deferred")
        writer.boolean(impression.isDeferred)
        text("duplicate_of", impression.duplicateOf?.description)
        text("repeated_of", impression.repeatedOf?.description)
        text("occurred_at", impression.occurredAt.description)
        writer.endObject()
        return writer.bytes
    }
}
