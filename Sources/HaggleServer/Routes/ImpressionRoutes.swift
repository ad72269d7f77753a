import Analysis
import Catalog
import EventLog
import Foundation
import HaggleCore
import Hummingbird
import Policies
import Postgres
import Serving

/// `GET /v1/impressions/{id}`: the logged row, computed again; and its explanation.
struct ImpressionRoutes: Sendable {
    let registry: ExperimentRegistry
    let pool: ConnectionPool
    let metrics: ServiceMetrics
    /// Holds rows that the database does not have yet.
    let journal: JournalEventSink?

    func add(to router: Router<ServiceRequestContext>) {
        router.get("/v1/impressions/:id") { _, context in
            try await metrics.time(.read) {
                let id = try Self.id(context)
                guard let (row, store) = try await row(id) else { throw Self.unknown }
                return Response(json: try Self.render(row, store: store, try await recomputed(row)))
            }
        }
        router.get("/v1/impressions/:id/explanation") { _, context in
            try await metrics.time(.read) {
                let id = try Self.id(context)
                // Few coalitions: a request must not keep a core busy for seconds. `haggle explain` takes more.
                guard
                    let explanation = try await ImpressionExplanation.explain(
                        id, pool: pool, backgroundCount: 30, options: .init(shapley: .init(exactLimit: 8, coalitionCount: 512)))
                else { throw Self.unknown }
                let encoder = JSONEncoder()
                encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
                return Response(json: Array(try encoder.encode(explanation)))
            }
        }
    }

    private static func id(_ context: ServiceRequestContext) throws -> ImpressionID {
        guard let id = ImpressionID(try context.parameters.require("id")) else {
            throw ServiceProblem.badRequest("impression_id", "expected a UUID in the path")
        }
        return id
    }

    private static var unknown: ServiceProblem {
        ServiceProblem(status: .notFound, code: "unknown_impression", detail: "no impression with this id is logged")
    }

    private enum Store: String { case database, journal }

    /// The row, from the database or from a journal of this machine.
    private func row(_ id: ImpressionID) async throws -> (Impression, Store)? {
        do {
            if let row = try await EventLogReader(pool: pool).impression(id) { return (row, .database) }
        } catch {
            if let row = try await journal?.impression(id) { return (row, .journal) }
            throw error
        }
        return try await journal?.impression(id).map { ($0, .journal) }
    }

    /// What the versions that a row names give; where they cannot be had, why.
    private enum Recomputed {
        case result(Recomputation.Result)
        case not(String)
    }

    private func recomputed(_ row: Impression) async throws -> Recomputed {
        guard row.drawKey != nil else { return .not("the row was imported") }
        var original: ArmKey?
        if let id = row.duplicateOf ?? row.repeatedOf {
            guard let first = try await self.row(id)?.0 else { return .not("the row that it repeats is not stored") }
            original = first.arm
        }
        if let entry = registry[row.experiment], entry.assigner.version == row.experimentVersion,
            row.snapshot == nil || row.snapshot == entry.snapshot?.version
        {
            let recomputation = try Recomputation(
                experiment: entry.experiment, version: row.experimentVersion, snapshot: row.snapshot == nil ? nil : entry.snapshot)
            return .result(recomputation.check(row, repeating: original))
        }
        do {
            return try await pool.withConnection { connection in
                let experiment = try await Catalog.experiment(row.experiment, version: row.experimentVersion, on: connection)
                var snapshot: ServingSnapshot?
                if let version = row.snapshot {
                    let stored = try await Catalog.snapshot(version, of: row.experiment, on: connection)
                    let read = try ServingSnapshot(serialised: stored.bytes)
                    guard read.arms == experiment.arms.map(\.key) else { return .not("snapshot and version do not belong together") }
                    snapshot = read
                }
                let recomputation = try Recomputation(experiment: experiment, version: row.experimentVersion, snapshot: snapshot)
                return .result(recomputation.check(row, repeating: original))
            }
        } catch let error as CatalogError {
            return .not(error.description)
        } catch let error as DatabaseError where error.isConnectionLost {
            return .not("the database, which has its versions, cannot be reached")
        } catch is PostgresError {
            return .not("the database, which has its versions, cannot be reached")
        }
    }

    /// The row's context is shown because whoever may read impressions may read contexts.
    private static func render(_ impression: Impression, store: Store, _ recomputed: Recomputed) throws -> [UInt8] {
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
        text("stored_in", store.rawValue)
        writer.key("recomputed")
        writer.beginObject()
        switch recomputed {
        case .result(let result):
            text("match", result.match.rawValue)
            writer.key("differences")
            writer.raw(Array(try encoder.encode(result.differences)))
        case .not(let reason):
            text("match", nil)
            text("why_not", reason)
        }
        writer.endObject()
        writer.endObject()
        return writer.bytes
    }
}
