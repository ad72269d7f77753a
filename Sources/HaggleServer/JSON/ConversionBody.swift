import HaggleCore

/// The body of `POST /v1/conversions`: one conversion or an array of them.
enum ConversionBody {
    /// One element: a conversion, or why it is none.
    typealias Element = Result<Conversion, Rejection>

    /// Why one conversion was not accepted, by its place in the array.
    struct Rejection: Error {
        var index: Int
        var code: String
        var detail: String
    }

    /// At most so many conversions in one body.
    static let maximumCount = 1000
    /// A conversion may lie this far ahead of the server's clock.
    static let maximumFutureSeconds = 300.0

    /// Reads a whole body. Syntax errors fail it as a whole; a conversion that makes no sense is rejected alone.
    static func read(_ bytes: [UInt8], now: Timestamp) throws(JSONProblem) -> [Element] {
        var reader = JSONReader(bytes)
        var elements: [Element] = []
        if try reader.peekKind() == .array {
            try reader.array { (reader, index) throws(JSONProblem) in
                guard index < maximumCount else { throw reader.problem("more than \(maximumCount) conversions in one body") }
                elements.append(try element(&reader, index: index, now: now))
            }
        } else {
            elements.append(try element(&reader, index: 0, now: now))
        }
        try reader.end()
        return elements
    }

    private struct Fields {
        var id: String?
        var impression: String?
        var experiment: String?
        var unit: String?
        var kind: String?
        var value: Double?
        var margin: Double?
        var occurredAt: String?
    }

    private static func element(_ reader: inout JSONReader, index: Int, now: Timestamp) throws(JSONProblem) -> Element {
        var fields = Fields()
        try reader.object { (reader, key) throws(JSONProblem) in
            if try reader.takeNull() { return }
            switch key {
            case "conversion_id": fields.id = try reader.string()
            case "impression_id": fields.impression = try reader.string()
            case "experiment": fields.experiment = try reader.string()
            case "unit": fields.unit = try reader.string()
            case "kind": fields.kind = try reader.string()
            case "value": fields.value = try reader.number()
            case "margin": fields.margin = try reader.number()
            case "occurred_at": fields.occurredAt = try reader.string()
            default:
                throw reader.problem(
                    "unknown field; expected conversion_id, impression_id, experiment, unit, kind, value, margin or occurred_at")
            }
        }
        do {
            return .success(try conversion(fields, index: index, now: now))
        } catch {
            return .failure(error)
        }
    }

    private static func conversion(_ fields: Fields, index: Int, now: Timestamp) throws(Rejection) -> Conversion {
        func rejection(_ code: String, _ detail: String) -> Rejection { Rejection(index: index, code: code, detail: detail) }
        guard let id = fields.id, !id.isEmpty, id.utf8.count <= AssignmentBody.maximumIDBytes else {
            throw rejection("conversion_id", "conversion_id: expected 1 to \(AssignmentBody.maximumIDBytes) bytes")
        }
        guard let kind = fields.kind, !kind.isEmpty, kind.utf8.count <= 100 else {
            throw rejection("kind", "kind: expected 1 to 100 bytes, such as \"purchase\"")
        }
        guard let value = fields.value else { throw rejection("value", "value: expected the amount as a number, negative for a refund") }
        let subject: Conversion.Subject
        switch (fields.impression, fields.experiment, fields.unit) {
        case (let text?, _, _):
            guard let impression = ImpressionID(text) else { throw rejection("impression_id", "impression_id: expected a UUID") }
            subject = .impression(impression)
        case (nil, let experiment?, let unit?) where !unit.isEmpty && unit.utf8.count <= AssignmentBody.maximumIDBytes:
            subject = .unit(UnitID(unit), ExperimentKey(experiment))
        default:
            throw rejection("subject", "expected impression_id, or experiment and unit")
        }
        var occurredAt = now
        if let text = fields.occurredAt {
            guard let read = Timestamp(text) else {
                throw rejection("occurred_at", "occurred_at: expected an ISO 8601 time such as 2026-11-01T12:00:00Z")
            }
            guard read - now <= maximumFutureSeconds else {
                throw rejection("future", "occurred_at lies more than 5 minutes ahead of the server's clock")
            }
            occurredAt = read
        }
        return Conversion(
            id: ConversionID(id), subject: subject, kind: kind, value: value, margin: fields.margin, occurredAt: occurredAt, receivedAt: now
        )
    }
}
