import HTTPTypes
import HaggleCore
import Hummingbird
import NIOCore
import Policies

/// Answers in the words of the OpenFeature Remote Evaluation Protocol (OpenAPI 0.3.0).
enum OFREPAnswer {
    /// One evaluated flag. Floats are written as floats, since clients in typed languages tell them from integers.
    static func write(_ impression: Impression, _ experiment: Experiment, into writer: inout JSONWriter) {
        let arm = experiment.index(of: impression.arm).map { experiment.arms[$0] }
        writer.beginObject()
        writer.key("key")
        writer.string(experiment.key.rawValue)
        writer.key("reason")
        writer.string(reason(impression.reason))
        writer.key("variant")
        writer.string(impression.arm.rawValue)
        writer.key("value")
        switch experiment.evaluatedType {
        case .number: writer.float(arm?.discount ?? 0)
        case .string: writer.string(impression.arm.rawValue)
        case .boolean: writer.boolean(arm?.isControl == false)
        case .object: writer.raw(JSONWriter.render(arm?.payload ?? .object([:])))
        }
        writer.key("metadata")
        writer.beginObject()
        writer.key("impressionId")
        writer.string(impression.id.description)
        if let propensity = impression.propensity {
            writer.key("propensity")
            writer.float(propensity)
        }
        if let snapshot = impression.snapshot {
            writer.key("snapshot")
            writer.integer(snapshot.rawValue)
        }
        writer.key("experimentVersion")
        writer.integer(impression.experimentVersion.rawValue)
        if let disclosure = experiment.disclosure {
            writer.key("disclosure")
            writer.string(disclosure)
        }
        writer.endObject()
        writer.endObject()
    }

    /// The protocol's word for our reason.
    static func reason(_ reason: Reason) -> String {
        switch reason {
        case .policy, .holdout, .held: "SPLIT"
        case .notTargeted, .notInTraffic: "STATIC"
        case .paused, .notStarted, .ended: "DISABLED"
        case .noSnapshot, .fallback, .holdUnverified: "UNKNOWN"
        }
    }

    /// The fields of a failure.
    static func write(_ problem: ServiceProblem, key: String?, into writer: inout JSONWriter) {
        writer.beginObject()
        if let key {
            writer.key("key")
            writer.string(key)
        }
        if problem.status.code < 500 {
            writer.key("errorCode")
            writer.string(code(problem))
        }
        writer.key("errorDetails")
        writer.string(problem.detail)
        writer.endObject()
    }

    private static func code(_ problem: ServiceProblem) -> String {
        switch problem.code {
        case "invalid_body": "PARSE_ERROR"
        case "targeting_key_missing": "TARGETING_KEY_MISSING"
        case "invalid_context", "context_type": "INVALID_CONTEXT"
        case "unknown_experiment": "FLAG_NOT_FOUND"
        default: "GENERAL"
        }
    }

    /// A whole failed answer. `Retry-After` is a moment, because not every client reads seconds.
    static func response(to problem: ServiceProblem, key: String?) -> Response {
        var headers = problem.headers
        if let seconds = problem.retryAfterSeconds {
            var date = HTTPDate()
            headers[.retryAfter] = date.text(at: Timestamp.now + Double(seconds))
        }
        guard problem.status != .unauthorized, problem.status != .forbidden else {
            headers[.contentType] = nil
            return Response(status: problem.status, headers: headers)
        }
        headers[.contentType] = "application/json"
        var writer = JSONWriter()
        write(problem, key: key, into: &writer)
        return Response(status: problem.status, headers: headers, body: ResponseBody(byteBuffer: ByteBuffer(bytes: writer.bytes)))
    }

    /// The entity tag of an answer: a checksum of all of it, since it depends on the context too.
    static func tag(of body: [UInt8]) -> String {
        var sum = Checksum64()
        sum.add(body)
        let digits = String(sum.value, radix: 16)
        return "\"" + String(repeating: "0", count: 16 - digits.count) + digits + "\""
    }

    /// Whether `If-None-Match` names the tag: `*`, or a list whose members are compared weakly (RFC 9110, section 13.1.2).
    static func isNamed(_ tag: String, in condition: String) -> Bool {
        condition.split(separator: ",").contains { member in
            let member = member.drop { $0 == " " || $0 == "\t" }
            let bare = member.hasPrefix("W/") ? member.dropFirst(2) : member
            let end = bare.lastIndex { $0 != " " && $0 != "\t" }
            let trimmed = end.map { bare[...$0] } ?? bare[...]
            return trimmed == "*" || trimmed == tag
        }
    }
}
