import HTTPTypes

/// `/openapi.json`: what the service answers, written from the same table that the tests hold against the router.
package struct OpenAPIDocument {
    struct Operation {
        let method: HTTPRequest.Method
        let path: String
        let summary: String
        let body: String?
        let answers: [(status: Int, description: String)]
    }

    static let operations: [Operation] = [
        Operation(
            method: .post, path: "/v1/experiments/{key}/assignments",
            summary: "Which arm for this unit now? Answered after the impression is committed.", body: "AssignmentRequest",
            answers: [(200, "Assignment"), (400, "Problem"), (404, "Problem"), (413, "Problem"), (503, "Problem")]),
        Operation(
            method: .post, path: "/v1/assignments", summary: "Assignments of many experiments in one call.",
            body: "AssignmentsRequest", answers: [(200, "Assignments"), (400, "Problem"), (404, "Problem"), (503, "Problem")]),
        Operation(
            method: .post, path: "/v1/impressions/{id}/activate", summary: "A deferred assignment was really shown.", body: nil,
            answers: [(204, ""), (400, "Problem"), (404, "Problem"), (503, "Problem")]),
        Operation(
            method: .post, path: "/v1/conversions", summary: "What happened after an impression: one conversion or an array.",
            body: "Conversions", answers: [(200, "ConversionReceipt"), (400, "Problem"), (413, "Problem"), (503, "Problem")]),
        Operation(
            method: .get, path: "/v1/experiments", summary: "All experiments with their state.", body: nil,
            answers: [(200, "Experiments")]),
        Operation(
            method: .get, path: "/v1/experiments/{key}", summary: "One experiment: configuration and state.", body: nil,
            answers: [(200, "Experiment"), (404, "Problem")]),
        Operation(
            method: .get, path: "/v1/experiments/{key}/report", summary: "Arms, lift and sample-ratio check as JSON.", body: nil,
            answers: [(200, "Report"), (404, "Problem"), (503, "Problem")]),
        Operation(
            method: .post, path: "/v1/experiments/{key}/pause", summary: "Kill switch: everybody gets control on every server.", body: nil,
            answers: [(204, ""), (404, "Problem"), (503, "Problem")]),
        Operation(
            method: .post, path: "/v1/experiments/{key}/resume", summary: "Turns the kill switch back.", body: nil,
            answers: [(204, ""), (404, "Problem"), (503, "Problem")]),
        Operation(
            method: .get, path: "/v1/impressions/{id}", summary: "The logged row, computed again from the versions that it names.",
            body: nil,
            answers: [(200, "Impression"), (400, "Problem"), (404, "Problem"), (503, "Problem")]),
        Operation(
            method: .get, path: "/v1/impressions/{id}/explanation",
            summary: "Why the arm was chosen: exploration, contributions of the features, and what would change it.", body: nil,
            answers: [(200, "Explanation"), (400, "Problem"), (404, "Problem"), (503, "Problem")]),
        Operation(
            method: .post, path: "/ofrep/v1/evaluate/flags/{key}",
            summary: "OpenFeature remote evaluation of one flag: a deferred assignment of the experiment with that key.",
            body: "OFREPRequest",
            answers: [
                (200, "OFREPEvaluation"), (400, "OFREPFailure"), (404, "OFREPFailure"), (413, "OFREPFailure"), (503, "OFREPError"),
            ]),
        Operation(
            method: .post, path: "/ofrep/v1/evaluate/flags",
            summary: "OpenFeature remote evaluation of all flags; 304 where `If-None-Match` names what would be answered.",
            body: "OFREPRequest",
            answers: [(200, "OFREPBulk"), (304, ""), (400, "OFREPFailure"), (413, "OFREPFailure"), (503, "OFREPError")]),
        Operation(method: .get, path: "/", summary: "Dashboard.", body: nil, answers: [(200, "text/html")]),
        Operation(
            method: .get, path: "/experiments/{key}", summary: "Dashboard page of one experiment.", body: nil,
            answers: [(200, "text/html"), (404, "Problem")]),
        Operation(method: .get, path: "/healthz", summary: "The process lives.", body: nil, answers: [(200, "text/plain")]),
        Operation(
            method: .get, path: "/readyz", summary: "The service can answer; with reasons where it cannot.", body: nil,
            answers: [(200, "Readiness"), (503, "Readiness")]),
        Operation(method: .get, path: "/metrics", summary: "Prometheus metrics.", body: nil, answers: [(200, "text/plain")]),
        Operation(method: .get, path: "/openapi.json", summary: "This document.", body: nil, answers: [(200, "OpenAPI")]),
    ]

    /// The schemas that bodies and answers name, as JSON.
    private static let schemas: [(name: String, json: String)] = [
        (
            "AssignmentRequest",
            """
            {"type":"object","required":["unit"],"additionalProperties":false,"properties":{"unit":{"type":"string","minLength":1,\
            "maxLength":512},"context":{"type":"object","additionalProperties":{"type":["number","string","boolean",\
            "null","array"],"items":{"type":"object"}}},\
            "eligible_arms":{"type":"array","minItems":1,"items":{"type":"string"}},"defer":{"type":"boolean"},\
            "request_id":{"type":"string","minLength":1,"maxLength":512}}}
            """
        ),
        (
            "AssignmentsRequest",
            """
            {"type":"object","required":["unit","experiments"],"additionalProperties":false,"properties":{"unit":{"type":"string",\
            "minLength":1,"maxLength":512},"context":{"type":"object","additionalProperties":{"type":["number","string","boolean",\
            "null","array"],"items":{"type":"object"}}},\
            "eligible_arms":{"type":"array","minItems":1,"items":{"type":"string"}},"defer":{"type":"boolean"},\
            "request_id":{"type":"string","minLength":1,"maxLength":512},"experiments":{"type":"array","items":{"type":"string"}}}}
            """
        ),
        (
            "Assignment",
            """
            {"type":"object","required":["impression_id","experiment","version","variant","arm","discount","payload","propensity",\
            "snapshot","reason"],"properties":{"impression_id":{"type":"string","format":"uuid"},"experiment":{"type":"string"},\
            "version":{"type":"integer"},"variant":{"type":"string"},"arm":{"type":"string"},"discount":{"type":["number","null"]},\
            "payload":{},"propensity":{"type":["number","null"]},"snapshot":{"type":["integer","null"]},"reason":{"type":"string"},\
            "disclosure":{"type":"string"}}}
            """
        ),
        ("Assignments", ##"{"type":"array","items":{"$ref":"#/components/schemas/Assignment"}}"##),
        (
            "Conversion",
            """
            {"type":"object","required":["conversion_id","kind","value"],"additionalProperties":false,"properties":{"conversion_id":\
            {"type":"string","minLength":1,"maxLength":512},"impression_id":{"type":"string","format":"uuid"},"experiment":{"type":"string"},\
            "unit":{"type":"string"},"kind":{"type":"string"},"value":{"type":"number"},"margin":{"type":"number"},\
            "occurred_at":{"type":"string","format":"date-time"}}}
            """
        ),
        (
            "Conversions",
            """
            {"oneOf":[{"$ref":"#/components/schemas/Conversion"},{"type":"array","maxItems":1000,\
            "items":{"$ref":"#/components/schemas/Conversion"}}]}
            """
        ),
        (
            "ConversionReceipt",
            """
            {"type":"object","required":["accepted","duplicates","rejected"],"properties":{"accepted":{"type":"integer"},\
            "duplicates":{"type":"integer"},"rejected":{"type":"array","items":{"type":"object","required":["index","code","detail"],\
            "properties":{"index":{"type":"integer"},"code":{"type":"string"},"detail":{"type":"string"}}}}}}
            """
        ),
        ("Experiment", #"{"type":"object","required":["experiment","version","type","status","paused","arms"]}"#),
        ("Experiments", ##"{"type":"array","items":{"$ref":"#/components/schemas/Experiment"}}"##),
        ("Report", #"{"type":"object","required":["experiment"]}"#),
        ("Impression", #"{"type":"object","required":["impression_id","experiment","arm","reason"]}"#),
        ("Explanation", #"{"type":"object","required":["impression_id","experiment","version","arm","reason"]}"#),
        (
            "Readiness",
            """
            {"type":"object","required":["ready","reasons"],"properties":{"ready":{"type":"boolean"},\
            "reasons":{"type":"array","items":{"type":"string"}}}}
            """
        ),
        (
            "OFREPRequest",
            """
            {"type":"object","properties":{"context":{"type":"object","properties":{"targetingKey":{"type":"string","minLength":1,\
            "maxLength":512}}}}}
            """
        ),
        (
            "OFREPEvaluation",
            """
            {"type":"object","required":["key","reason","variant","value"],"properties":{"key":{"type":"string"},"reason":{"type":"string",\
            "enum":["STATIC","TARGETING_MATCH","SPLIT","DISABLED","UNKNOWN"]},"variant":{"type":"string"},"value":{},"metadata":\
            {"type":"object","additionalProperties":{"type":["string","number","boolean"]}}}}
            """
        ),
        (
            "OFREPBulk",
            ##"""
            {"type":"object","required":["flags"],"properties":{"flags":{"type":"array","items":{"anyOf":[\##
            {"$ref":"#/components/schemas/OFREPEvaluation"},{"$ref":"#/components/schemas/OFREPFailure"}]}}}}
            """##
        ),
        (
            "OFREPFailure",
            """
            {"type":"object","required":["errorCode"],"properties":{"key":{"type":"string"},"errorCode":{"type":"string","enum":\
            ["PARSE_ERROR","TARGETING_KEY_MISSING","INVALID_CONTEXT","FLAG_NOT_FOUND","GENERAL"]},"errorDetails":{"type":"string"}}}
            """
        ),
        ("OFREPError", #"{"type":"object","properties":{"errorDetails":{"type":"string"}}}"#),
        ("OpenAPI", #"{"type":"object"}"#),
        (
            "Problem",
            """
            {"type":"object","required":["type","title","status","code","detail"],"properties":{"type":{"type":"string"},\
            "title":{"type":"string"},"status":{"type":"integer"},"code":{"type":"string"},"detail":{"type":"string"}}}
            """
        ),
    ]

    /// The document.
    static func render() -> [UInt8] {
        var writer = JSONWriter(capacity: 8192)
        writer.beginObject()
        writer.key("openapi")
        writer.string("3.1.0")
        writer.key("info")
        writer.raw(Array(#"{"title":"Haggle","version":"1","description":"Contextual-bandit experiments for discounts."}"#.utf8))
        writer.key("paths")
        writer.beginObject()
        var paths: [String] = []
        for operation in operations where !paths.contains(operation.path) { paths.append(operation.path) }
        for path in paths {
            writer.key(path)
            writer.beginObject()
            for operation in operations where operation.path == path { write(operation, into: &writer) }
            writer.endObject()
        }
        writer.endObject()
        writer.key("components")
        writer.beginObject()
        writer.key("schemas")
        writer.beginObject()
        for (name, json) in schemas {
            writer.key(name)
            writer.raw(Array(json.utf8))
        }
        writer.endObject()
        writer.key("securitySchemes")
        writer.raw(
            Array(#"{"bearer":{"type":"http","scheme":"bearer"},"header":{"type":"apiKey","in":"header","name":"X-API-Key"}}"#.utf8))
        writer.endObject()
        writer.endObject()
        return writer.bytes
    }

    private static func write(_ operation: Operation, into writer: inout JSONWriter) {
        writer.key(operation.method.rawValue.lowercased())
        writer.beginObject()
        writer.key("summary")
        writer.string(operation.summary)
        let parameters = operation.path.matches(of: /\{(\w+)\}/).map { String($0.1) }
        if !parameters.isEmpty {
            writer.key("parameters")
            writer.beginArray()
            for parameter in parameters {
                writer.raw(Array(#"{"name":"\#(parameter)","in":"path","required":true,"schema":{"type":"string"}}"#.utf8))
            }
            writer.endArray()
        }
        if let body = operation.body {
            writer.key("requestBody")
            writer.raw(Array(#"{"required":true,"content":{"application/json":\#(reference(body))}}"#.utf8))
        }
        var answers = operation.answers
        if KeyMiddleware.scope(of: operation.method, path: operation.path) != nil {
            // A server without keys, on loopback, takes requests without one.
            writer.key("security")
            writer.raw(Array(#"[{"bearer":[]},{"header":[]},{}]"#.utf8))
            // OpenFeature's protocol has no body in these.
            let problem = operation.path.hasPrefix("/ofrep/") ? "" : "Problem"
            answers += [(401, problem), (403, problem)]
        }
        writer.key("responses")
        writer.beginObject()
        for (status, description) in answers {
            writer.key(String(status))
            writer.raw(Array(answer(description, status: status).utf8))
        }
        writer.endObject()
        writer.endObject()
    }

    private static func reference(_ schema: String) -> String { ##"{"schema":{"$ref":"#/components/schemas/\##(schema)"}}"## }

    private static func answer(_ name: String, status: Int) -> String {
        if name.isEmpty { return #"{"description":"done"}"# }
        if name.hasPrefix("text/") { return #"{"description":"text","content":{"\#(name)":{}}}"# }
        let type = name == "Problem" ? "application/problem+json" : "application/json"
        return #"{"description":"\#(name)","content":{"\#(type)":\#(reference(name))}}"#
    }
}
