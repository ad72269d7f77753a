import EventLog
import HTTPTypes
import HaggleCore
import Hummingbird
import Logging
import NIOCore
import Serving

/// `POST /v1/experiments/{key}/assignments`, `POST /v1/assignments` and `POST /v1/impressions/{id}/activate`.
struct AssignmentRoutes: Sendable {
    let registry: ExperimentRegistry
    let sink: any EventSink
    let clock: ImpressionClock
    let metrics: ServiceMetrics

    func add(to router: Router<ServiceRequestContext>) {
        router.post("/v1/experiments/:key/assignments") { request, context in
            try await metrics.time(.assign) {
                let key = ExperimentKey(try context.parameters.require("key"))
                let body = try await readBody(request) { bytes throws(JSONProblem) in try AssignmentBody.read(bytes, isBatch: false) }
                guard let entry = registry[key] else { throw ServiceProblem.unknownExperiment(key.rawValue) }
                var writer = JSONWriter()
                try await assign(body, entry, into: &writer)
                return Response(json: writer.bytes)
            }
        }
        router.post("/v1/assignments") { request, _ in
            try await metrics.time(.assignMany) {
                let body = try await readBody(request) { bytes throws(JSONProblem) in try AssignmentBody.read(bytes, isBatch: true) }
                let entries = try (body.experiments ?? []).map { key in
                    guard let entry = registry[key] else { throw ServiceProblem.unknownExperiment(key.rawValue) }
                    return entry
                }
                for entry in entries { try check(body, entry) }
                var writer = JSONWriter()
                writer.beginArray()
                for entry in entries { try await assign(body, entry, into: &writer) }
                writer.endArray()
                return Response(json: writer.bytes)
            }
        }
        router.post("/v1/impressions/:id/activate") { _, context in
            try await metrics.time(.activate) {
                guard let id = ImpressionID(try context.parameters.require("id")) else {
                    throw ServiceProblem.badRequest("impression_id", "expected a UUID in the path")
                }
                guard try await sink.activate(id, at: clock.now()) else {
                    throw ServiceProblem(status: .notFound, code: "unknown_impression", detail: "no impression with this id is logged")
                }
                return Response(status: .noContent)
            }
        }
    }

    /// Positions of the arms a request allows, checked; nil means all.
    private func eligible(_ body: AssignmentBody, _ entry: ExperimentRegistry.Entry) throws -> [Int]? {
        guard let keys = body.eligibleArms else { return nil }
        guard !keys.isEmpty else {
            throw ServiceProblem.badRequest("eligible_arms", "eligible_arms: expected at least one arm, found none")
        }
        let positions = try keys.map { key in
            guard let position = entry.positions[key] else {
                let known = entry.experiment.arms.map(\.key.rawValue).joined(separator: ", ")
                throw ServiceProblem.badRequest(
                    "unknown_arm", "eligible_arms: '\(key)' is no arm of this experiment; its arms are \(known)")
            }
            return position
        }
        return Set(positions).sorted()
    }

    private func check(_ body: AssignmentBody, _ entry: ExperimentRegistry.Entry) throws {
        _ = try eligible(body, entry)
        if let (_, message) = entry.experiment.context.mismatch(in: body.context) {
            throw ServiceProblem.badRequest("context_type", message)
        }
    }

    /// Chooses, logs, and only then writes the answer.
    private func assign(_ body: AssignmentBody, _ entry: ExperimentRegistry.Entry, into writer: inout JSONWriter) async throws {
        try check(body, entry)
        let now = clock.now()
        let assigner = entry.assigner
        let request = AssignmentRequest(
            unit: body.unit, context: body.context, eligible: try eligible(body, entry), requestID: body.requestID)
        let assignment = assigner.assign(request, impressionID: clock.makeID(at: now), now: now)
        let impression = assignment.impression(arms: entry.experiment.arms, isDeferred: body.isDeferred, at: now)
        // Only a drawn arm can be repeated: control because of traffic or a pause is not the unit's randomised row.
        let sticky = assigner.isSticky && assignment.reason == .policy ? entry.experiment.salt : nil
        let appended = try await sink.append(impression, requestID: body.requestID, stickySalt: sticky).answer
        metrics.countAssignment(experiment: entry.experiment.key, arm: appended.arm, reason: appended.reason)
        Self.write(appended, entry, into: &writer)
    }

    /// The answer.
    static func write(_ impression: Impression, _ entry: ExperimentRegistry.Entry, into writer: inout JSONWriter) {
        let fields = entry.positions[impression.arm].map { entry.armFields[$0] }
        writer.beginObject()
        writer.key("impression_id")
        writer.string(impression.id.description)
        writer.key("experiment")
        writer.string(impression.experiment.rawValue)
        writer.key("version")
        writer.integer(impression.experimentVersion.rawValue)
        writer.key("variant")
        writer.string(impression.variant.description)
        writer.key("arm")
        writer.string(impression.arm.rawValue)
        writer.key("discount")
        if let discount = fields?.discount { writer.number(discount) } else { writer.null() }
        writer.key("payload")
        if let payload = fields?.payload { writer.raw(payload) } else { writer.null() }
        writer.key("propensity")
        if let propensity = impression.propensity { writer.number(propensity) } else { writer.null() }
        writer.key("snapshot")
        if let snapshot = impression.snapshot { writer.integer(snapshot.rawValue) } else { writer.null() }
        writer.key("reason")
        writer.string(impression.reason.rawValue)
        if let disclosure = entry.experiment.disclosure {
            writer.key("disclosure")
            writer.string(disclosure)
        }
        writer.endObject()
    }
}
