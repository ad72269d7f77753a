import HTTPTypes

/// An error as the client sees it: RFC 9457 problem details with a stable `code`. Never contains contexts, rewards or tokens.
struct ServiceProblem: Error {
    let status: HTTPResponse.Status
    /// Stable, for programs.
    let code: String
    /// For people.
    let detail: String
    /// Seconds after which to try again, where that helps.
    var retryAfterSeconds: Int?

    static func badRequest(_ code: String, _ detail: String) -> ServiceProblem {
        ServiceProblem(status: .badRequest, code: code, detail: detail)
    }

    static func unknownExperiment(_ key: String) -> ServiceProblem {
        ServiceProblem(status: .notFound, code: "unknown_experiment", detail: "no experiment '\(key)' has been applied")
    }

    static func unavailable(_ detail: String) -> ServiceProblem {
        ServiceProblem(status: .serviceUnavailable, code: "database_unavailable", detail: detail, retryAfterSeconds: 1)
    }

    /// The body: `application/problem+json`.
    var body: [UInt8] {
        var writer = JSONWriter()
        writer.beginObject()
        writer.key("type")
        writer.string("about:blank")
        writer.key("title")
        writer.string(status.reasonPhrase)
        writer.key("status")
        writer.integer(status.code)
        writer.key("code")
        writer.string(code)
        writer.key("detail")
        writer.string(detail)
        writer.endObject()
        return writer.bytes
    }
}
