import EventLog
import HTTPTypes
import HaggleCore
import Hummingbird
import Serving

/// `POST /ofrep/v1/evaluate/flags/{key}` and `POST /ofrep/v1/evaluate/flags`: every OpenFeature client, without a provider of ours.
///
/// An experiment is a flag of its key. An evaluation is a deferred assignment: clients evaluate, cache and poll without showing anything, so
/// it counts once it is activated (or at once for the single flag, where the file says `activation: {activate: on-evaluate}`).
struct OFREPRoutes: Sendable {
    let registry: ExperimentRegistry
    let sink: any EventSink
    let clock: ImpressionClock
    let metrics: ServiceMetrics
    private let kept = KeptEvaluations()

    init(registry: ExperimentRegistry, sink: any EventSink, clock: ImpressionClock, metrics: ServiceMetrics) {
        self.registry = registry
        self.sink = sink
        self.clock = clock
        self.metrics = metrics
    }

    func add(to router: Router<ServiceRequestContext>) {
        router.post("/ofrep/v1/evaluate/flags/:key") { request, context in
            let key = try context.parameters.require("key")
            return try await answering(key) { try await one(key, request) }
        }
        router.post("/ofrep/v1/evaluate/flags") { request, _ in
            try await answering(nil) { try await all(request) }
        }
    }

    /// Failures in the protocol's words; counted as any other.
    private func answering(_ key: String?, _ body: () async throws -> Response) async throws -> Response {
        do {
            return try await metrics.time(.evaluate, body)
        } catch is CancellationError {
            throw CancellationError()
        } catch {
            return OFREPAnswer.response(to: error.serviceProblem, key: key)
        }
    }

    private func one(_ key: String, _ request: Request) async throws -> Response {
        let body = try await readBody(request) { bytes throws(JSONProblem) in try OFREPBody.read(bytes) }
        guard let entry = registry[ExperimentKey(key)] else { throw ServiceProblem.unknownExperiment(key) }
        let impression = try await evaluate(body, entry, isActivated: entry.experiment.activation?.activate == .onEvaluate)
        var writer = JSONWriter()
        OFREPAnswer.write(impression, entry.experiment, into: &writer)
        return Response(json: writer.bytes)
    }

    private func all(_ request: Request) async throws -> Response {
        let body = try await readBody(request) { bytes throws(JSONProblem) in try OFREPBody.read(bytes) }
        if case .wrong = body.contextState { _ = try body.unit() }
        var writer = JSONWriter()
        writer.beginObject()
        writer.key("flags")
        writer.beginArray()
        for entry in registry.all {
            do {
                let impression = try await evaluate(body, entry, isActivated: false)
                OFREPAnswer.write(impression, entry.experiment, into: &writer)
            } catch let problem as ServiceProblem where problem.status == .badRequest {
                // One flag that does not take this context does not take the others along.
                OFREPAnswer.write(problem, key: entry.experiment.key.rawValue, into: &writer)
            }
        }
        writer.endArray()
        writer.endObject()
        let tag = OFREPAnswer.tag(of: writer.bytes)
        if let condition = request.headers[.ifNoneMatch], OFREPAnswer.isNamed(tag, in: condition) {
            return Response(status: .notModified, headers: [.eTag: tag])
        }
        var response = Response(json: writer.bytes)
        response.headers[.eTag] = tag
        return response
    }

    /// Chooses, and keeps the impression before it is answered, once an epoch.
    private func evaluate(_ body: OFREPBody, _ entry: ExperimentRegistry.Entry, isActivated: Bool) async throws -> Impression {
        let (experiment, assigner) = (entry.experiment, entry.assigner)
        let unit = try body.unit()
        if let problem = body.mismatch(with: experiment.context) { throw problem }
        let now = clock.now()
        let epoch = ImpressionID.evaluationEpoch(of: now)
        var request = AssignmentRequest(unit: unit, context: body.context)
        // Hour and weekday as they are at the start of the epoch, or every poll would be another context.
        TimeFeatures.add(to: &request.context, at: epoch, for: experiment.context)
        let reason = assigner.reason(for: request, now: now)
        let id = ImpressionID(evaluationOf: request, by: assigner, reason: reason, epoch: epoch)
        let answer: Impression
        if let row = kept.row(id) {
            answer = row
        } else {
            let assignment = assigner.assign(request, impressionID: id, now: now)
            let impression = assignment.impression(arms: experiment.arms, isDeferred: true, at: now)
            let sticky = assigner.isSticky && assignment.reason == .policy ? experiment.salt : nil
            answer = try await sink.append(impression, requestID: nil, stickySalt: sticky).answer
            metrics.countAssignment(experiment: experiment.key, arm: answer.arm, reason: answer.reason)
            kept.keep(id, answered: answer)
        }
        if isActivated, !kept.isActivated(id) {
            _ = try await sink.activate(id, at: now)
            kept.keepActivation(id)
        }
        return answer
    }
}
