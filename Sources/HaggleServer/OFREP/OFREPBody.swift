import HaggleCore

/// The body of an OFREP request: `{"context": {"targetingKey": "...", ...}}`, other fields aside.
///
/// OpenFeature's contexts are made for many flags of many vendors, so what no feature can be (objects, lists of anything but events) is left
/// out, unless the experiment has a feature of that name.
struct OFREPBody {
    enum ContextState { case absent, wrong(String), present }

    var contextState = ContextState.absent
    /// Nil where it is missing or blank.
    var targetingKey: String?
    var context = Context()
    /// Names whose values no feature can have.
    var unreadable: Set<String> = []

    static func read(_ bytes: [UInt8]) throws(JSONProblem) -> OFREPBody {
        var reader = JSONReader(bytes)
        var body = OFREPBody()
        try reader.object { (reader, key) throws(JSONProblem) in
            guard key == "context" else { return try reader.skipValue() }
            let kind = try reader.peekKind()
            guard kind == .object else {
                body.contextState = .wrong(kind.rawValue)
                return try reader.skipValue()
            }
            body.contextState = .present
            try body.readContext(&reader)
        }
        try reader.end()
        return body
    }

    private mutating func readContext(_ reader: inout JSONReader) throws(JSONProblem) {
        try reader.object { (reader, key) throws(JSONProblem) in
            let kind = try reader.peekKind()
            if key == "targetingKey" {
                guard kind == .string else {
                    if kind != .null { contextState = .wrong("\(kind.rawValue) as targetingKey") }
                    return try reader.skipValue()
                }
                let text = try reader.string()
                targetingKey = text.allSatisfy(\.isWhitespace) ? nil : text
                return
            }
            guard !key.isEmpty, key.utf8.count <= 256 else { return try reader.skipValue() }
            switch kind {
            case .number: context[key] = .number(try reader.number())
            case .string: context[key] = .text(try reader.string())
            case .boolean: context[key] = .boolean(try reader.boolean())
            case .null: _ = try reader.takeNull()
            case .array:
                var attempt = reader
                if let events = try? AssignmentBody.events(&attempt) {
                    context[key] = .events(events)
                    reader = attempt
                } else {
                    unreadable.insert(key)
                    try reader.skipValue()
                }
            case .object:
                unreadable.insert(key)
                try reader.skipValue()
            }
        }
    }

    /// The unit.
    /// - Throws: `ServiceProblem` where the context cannot be used for any flag.
    func unit() throws -> UnitID {
        if case .wrong(let found) = contextState {
            throw ServiceProblem.badRequest("invalid_context", "context: expected an object with a text as targetingKey, found \(found)")
        }
        guard let targetingKey else {
            throw ServiceProblem.badRequest(
                "targeting_key_missing", "context.targetingKey: expected the id of the unit, found none; units are dealt by it")
        }
        guard targetingKey.utf8.count <= AssignmentBody.maximumIDBytes else {
            throw ServiceProblem.badRequest(
                "invalid_context", "context.targetingKey: expected at most \(AssignmentBody.maximumIDBytes) bytes")
        }
        return UnitID(targetingKey)
    }

    /// Why the context does not fit an experiment, if it does not.
    func mismatch(with schema: FeatureSchema) -> ServiceProblem? {
        if let (_, message) = schema.mismatch(in: context) { return .badRequest("context_type", message) }
        for feature in schema.features where unreadable.contains(feature.name) {
            return .badRequest("context_type", "context.\(feature.name): expected a value of its type, found an object or a list")
        }
        return nil
    }
}
