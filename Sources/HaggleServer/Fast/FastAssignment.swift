import Catalog
import EventLog
import HTTPTypes
import HaggleCore
import NIOCore
import Policies
import Serving

/// The one request that a shop's customers wait for, without a task: body bytes to a choice to a record of the journal.
///
/// It takes the plain case alone: a well-formed body, a known experiment, no key that the database has to be asked for. Everything else is left
/// to the route, so that each rule and each error is written once.
struct FastAssignment: Sendable {
    /// Larger bodies are left to the route.
    static let maximumBodyBytes = 1 << 16

    let registry: ExperimentRegistry
    let keys: KeyRing
    let journal: JournalEventSink
    let clock: ImpressionClock
    let metrics: ServiceMetrics
    let limiter: RateLimiter?

    /// What is answered once the impression is kept.
    struct Prepared: Sendable {
        let impression: Impression
        let contextJSON: String
        let answer: [UInt8]
    }

    /// The experiment that a request asks an assignment of; nil for any other request, and for one that the route has to answer.
    func experiment(of head: HTTPRequest) -> ExperimentKey? {
        let prefix = "/v1/experiments/"
        let suffix = "/assignments"
        guard head.method == .post, let path = head.path, path.hasPrefix(prefix), path.hasSuffix(suffix),
            let length = head.headerFields[.contentLength].flatMap({ Int($0) }), length <= Self.maximumBodyBytes,
            head.headerFields[.connection] == nil, head.headerFields[.expect] == nil, !CrossSiteMiddleware.isFromBrowser(head)
        else { return nil }
        let key = path.utf8.dropFirst(prefix.utf8.count).dropLast(suffix.utf8.count)
        guard !key.isEmpty, key.allSatisfy({ $0 == UInt8(ascii: "-") || (48...57).contains($0) || (97...122).contains($0) }) else {
            return nil
        }
        return ExperimentKey(String(decoding: key, as: UTF8.self))
    }

    /// Chooses; nil where the route has to answer.
    func prepare(_ head: HTTPRequest, _ key: ExperimentKey, _ bytes: [UInt8], _ workspace: inout ChoiceWorkspace) -> Prepared? {
        let now = clock.now()
        let token = KeyMiddleware.token(in: head)
        guard keys.problem(token: token, scope: .assign, now: now) == nil, let entry = registry[key],
            !entry.assigner.isSticky, let body = try? AssignmentBody.read(bytes, isBatch: false), body.requestID == nil,
            body.eligibleArms == nil, let text = body.contextText, entry.experiment.context.mismatch(in: body.context) == nil,
            limiter?.problem(for: KeyMiddleware.caller(token), now: .now) == nil
        else { return nil }
        let assignment = entry.assigner.assign(
            AssignmentRequest(unit: body.unit, context: body.context), impressionID: clock.makeID(at: now), now: now, workspace: &workspace)
        var contextJSON = String(decoding: bytes[text], as: UTF8.self)
        if assignment.context.values.count > body.context.values.count {
            contextJSON = Self.adding(assignment.context, beyond: body.context, to: contextJSON)
        }
        let impression = assignment.impression(arms: entry.experiment.arms, isDeferred: body.isDeferred, at: now)
        var writer = JSONWriter()
        AssignmentRoutes.write(impression, entry, into: &writer)
        return Prepared(impression: impression, contextJSON: contextJSON, answer: writer.bytes)
    }

    /// The sent text with the features that the service added at its front.
    private static func adding(_ whole: Context, beyond sent: Context, to text: String) -> String {
        var writer = JSONWriter()
        writer.beginObject()
        for (name, value) in whole.values where sent.values[name] == nil {
            switch value {
            case .number(let number):
                writer.key(name)
                writer.number(number)
            case .boolean(let flag):
                writer.key(name)
                writer.boolean(flag)
            case .text, .events: continue
            }
        }
        var bytes = writer.bytes
        let rest = text.utf8.dropFirst().drop { $0 == 0x20 || $0 == 0x0a || $0 == 0x0d || $0 == 0x09 }
        if rest.first != UInt8(ascii: "}") { bytes.append(UInt8(ascii: ",")) }
        bytes.append(contentsOf: rest)
        return String(decoding: bytes, as: UTF8.self)
    }
}
