import HaggleCore

/// The body of `POST /v1/experiments/{key}/assignments`, as sent.
struct AssignmentBody {
    var unit: UnitID
    var context = Context()
    /// The context as it was sent, where every reader takes that text as this one did.
    var contextText: Range<Int>?
    var eligibleArms: [ArmKey]?
    var isDeferred = false
    var requestID: String?
    /// Only in `POST /v1/assignments`.
    var experiments: [ExperimentKey]?

    /// A unit's or request's id may have this many bytes.
    static let maximumIDBytes = 512

    /// Reads a whole body.
    /// - Parameter isBatch: whether `experiments` is expected (many experiments in one call).
    static func read(_ bytes: [UInt8], isBatch: Bool) throws(JSONProblem) -> AssignmentBody {
        var reader = JSONReader(bytes)
        var unit: String?
        var body = AssignmentBody(unit: "")
        try reader.object { (reader, key) throws(JSONProblem) in
            switch key {
            case "unit": unit = try identifier(&reader)
            case "context":
                _ = try reader.peekKind()
                let start = reader.position
                body.context = try context(&reader)
                if !reader.hasUnusualNumber { body.contextText = start..<reader.position }
            case "eligible_arms": if try !reader.takeNull() { body.eligibleArms = try keys(&reader).map { ArmKey($0) } }
            case "defer": body.isDeferred = try reader.boolean()
            case "request_id": if try !reader.takeNull() { body.requestID = try identifier(&reader) }
            case "experiments" where isBatch: body.experiments = try keys(&reader).map { ExperimentKey($0) }
            case "hold_token": throw reader.problem("hold_token is not supported yet")
            default: throw reader.problem("unknown field; expected unit, context, eligible_arms, defer or request_id")
            }
        }
        try reader.end()
        guard let unit else { throw reader.problem("the field \"unit\" is missing") }
        if isBatch, body.experiments == nil { throw reader.problem("the field \"experiments\" is missing") }
        body.unit = UnitID(unit)
        return body
    }

    private static func identifier(_ reader: inout JSONReader) throws(JSONProblem) -> String {
        let text = try reader.string()
        guard !text.isEmpty, text.utf8.count <= maximumIDBytes else { throw reader.problem("expected 1 to \(maximumIDBytes) bytes") }
        return text
    }

    private static func keys(_ reader: inout JSONReader) throws(JSONProblem) -> [String] {
        var found: [String] = []
        try reader.array { (reader, index) throws(JSONProblem) in
            guard index < 1000 else { throw reader.problem("more than 1000 entries") }
            found.append(try reader.string())
        }
        return found
    }

    private static func context(_ reader: inout JSONReader) throws(JSONProblem) -> Context {
        var values = [String: ContextValue](minimumCapacity: 32)
        try reader.object { (reader, key) throws(JSONProblem) in
            guard !key.isEmpty, key.utf8.count <= 256 else { throw reader.problem("a feature's name has 1 to 256 bytes") }
            switch try reader.peekKind() {
            case .number: values[key] = .number(try reader.number())
            case .string: values[key] = .text(try reader.string())
            case .boolean: values[key] = .boolean(try reader.boolean())
            case .null: _ = try reader.takeNull()
            case .array: values[key] = .events(try events(&reader))
            case .object: throw reader.problem("expected a number, a string, a boolean, a list of events or null")
            }
        }
        return Context(values)
    }

    /// The value of a `sequence` feature: flat objects.
    static func events(_ reader: inout JSONReader) throws(JSONProblem) -> [[String: ContextValue]] {
        var events: [[String: ContextValue]] = []
        try reader.array { (reader, index) throws(JSONProblem) in
            guard index < 1000 else { throw reader.problem("more than 1000 events") }
            var event: [String: ContextValue] = [:]
            try reader.object { (reader, key) throws(JSONProblem) in
                switch try reader.peekKind() {
                case .number: event[key] = .number(try reader.number())
                case .string: event[key] = .text(try reader.string())
                case .boolean: event[key] = .boolean(try reader.boolean())
                case .null: _ = try reader.takeNull()
                case .array, .object: throw reader.problem("expected a number, a string, a boolean or null in an event")
                }
            }
            events.append(event)
        }
        return events
    }
}

extension FeatureSchema {
    /// The first value of the context that does not have its feature's type, in words; nil where all fit. Missing values fit.
    func mismatch(in context: Context) -> (feature: String, message: String)? {
        for feature in features {
            guard let value = context[feature.name] else { continue }
            let expected: String
            switch (feature.kind, value) {
            case (.number, .number), (.cycle, .number), (.boolean, .boolean), (.category, .text), (.hashedCategory, .text): continue
            case (.sequence(let fields, _), .events(let events)):
                if let message = Self.mismatch(in: events, of: fields, path: "context.\(feature.name)") { return (feature.name, message) }
                continue
            case (.sequence, _): expected = "a list of events"
            case (.number, _), (.cycle, _): expected = "a number"
            case (.boolean, _): expected = "true or false"
            case (.category, _), (.hashedCategory, _): expected = "a string"
            }
            return (feature.name, "context.\(feature.name): expected \(expected), found \(value.typeName)")
        }
        return nil
    }

    /// As above, for the fields of the events that the schema names; others are not looked at.
    private static func mismatch(
        in events: [[String: ContextValue]], of fields: [Feature.SequenceField], path: String
    ) -> String? {
        for (index, event) in events.enumerated() {
            for field in fields {
                guard let value = event[field.name] else { continue }
                switch (field.kind, value) {
                case (.number, .number), (.hashedCategory, .text): continue
                case (.number, _): return "\(path)[\(index)].\(field.name): expected a number, found \(value.typeName)"
                case (.hashedCategory, _): return "\(path)[\(index)].\(field.name): expected a string, found \(value.typeName)"
                }
            }
        }
        return nil
    }
}

extension ContextValue {
    /// What a person calls it.
    fileprivate var typeName: String {
        switch self {
        case .number: "a number"
        case .boolean: "a boolean"
        case .text: "a string"
        case .events: "a list of events"
        }
    }
}
