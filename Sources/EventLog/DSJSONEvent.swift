import HaggleCore
import Tabular

/// One decision of a log in Vowpal Wabbit's dsjson, the format in which Azure Personalizer kept its events.
struct DSJSONEvent: Sendable {
    /// Whether it takes part, and why not.
    enum Verdict: Hashable, Sendable { case counts, excluded(String) }

    /// Of decisions that were never activated, that the log says not to learn from, and of lines that are no decision.
    static let notActivated = "NOT_ACTIVATED"
    static let skipped = "SKIPPED"
    static let downsampled = "DOWNSAMPLED"
    static let danglingReward = "DANGLING_REWARD"
    static let danglingActivation = "DANGLING_ACTIVATION"

    var verdict = Verdict.counts
    var id: String?
    var time: Timestamp?
    var context = Context()
    /// Keys of the actions that could be chosen, in the order of `_multi`.
    var arms: [String] = []
    /// The chosen one, counted from 0.
    var chosen = 0
    /// One per action, in the order of `_multi`; nil where the log has only the chosen one's.
    var probabilities: [Double]?
    var propensity: Double?
    /// Minus the cost.
    var reward = 0.0
    /// How likely the event was to be left out of the log, whatever came of it.
    var dropProbability = 0.0
    var place: FilePlace

    /// Reads a line.
    /// - Throws: `TabularError` for what is no JSON, `EventLogError.badEvent` for what is no event that fits.
    init(reading json: inout JSONScanner, place: FilePlace) throws {
        self.place = place
        var fields = Fields()
        try fields.read(&json, place: place)
        try json.finish()
        guard fields.hasContext else {
            if fields.hasRewardValue || fields.isActivated {
                verdict = .excluded(fields.hasRewardValue ? Self.danglingReward : Self.danglingActivation)
                return
            }
            throw error("c", expected: "the decision's context and actions", found: "no such field")
        }
        id = fields.id
        time = fields.time
        context = fields.context
        arms = fields.keys
        guard !arms.isEmpty else { throw error("c._multi", expected: "at least one action", found: "none") }
        guard Set(arms).count == arms.count else {
            throw error("c._multi", expected: "actions with different `_tag` or `id`", found: "one twice")
        }
        if let version = fields.version, version != "1" { throw error("Version", expected: "1", found: version) }
        dropProbability = fields.dropProbability ?? 0
        guard dropProbability >= 0, dropProbability < 1 else {
            throw error("pdrop", expected: "a probability of at least 0 and below 1", found: String(dropProbability))
        }
        if fields.isMarkedInactive || (fields.isDeferred && !fields.isActivated) {
            verdict = .excluded(Self.notActivated)
        } else if fields.isSkipped {
            verdict = .excluded(Self.skipped)
        }
        try takeChoice(fields)
        try takeProbabilities(fields)
        guard verdict == .counts else { return }
        guard let cost = fields.cost else {
            throw error("_label_cost", expected: "the cost of the chosen action (minus its reward)", found: "no such field")
        }
        reward = 0 - cost  // not -cost, which would make -0 of 0
    }

    private mutating func takeChoice(_ fields: Fields) throws {
        let named = [("_label_Action", fields.action), ("_labelIndex", fields.index.map { $0 + 1 }), ("a", fields.order?.first)]
        guard let action = named.compactMap(\.1).first else {
            throw error("_label_Action", expected: "the number of the chosen action, from 1", found: "no such field")
        }
        for case (let field, let other?) in named {
            guard (1...arms.count).contains(other) else {
                throw error(field, expected: "one of the \(arms.count) actions of `c._multi`", found: "number \(other), counted from 1")
            }
            guard other == action else {
                throw error(field, expected: "action \(action), counted from 1, as `_label_Action` says", found: String(other))
            }
        }
        chosen = action - 1
    }

    private mutating func takeProbabilities(_ fields: Fields) throws {
        if let given = fields.probabilities {
            guard let order = fields.order, order.count == given.count else {
                throw error("p", expected: "one probability for each entry of `a`", found: "\(given.count) for \(fields.order?.count ?? 0)")
            }
            var vector = [Double](repeating: 0, count: arms.count)
            var seen = Set<Int>()
            for (action, probability) in zip(order, given) {
                guard (1...arms.count).contains(action), seen.insert(action).inserted else {
                    throw error("a", expected: "different numbers from 1 to \(arms.count)", found: String(action))
                }
                guard probability >= 0, probability <= 1 else {
                    throw error("p", expected: "probabilities from 0 to 1", found: String(probability))
                }
                vector[action - 1] = probability
            }
            let sum = vector.reduce(0, +)
            // They are printed with six digits or as single precision.
            guard abs(sum - 1) < 1e-3 else { throw error("p", expected: "probabilities that sum to 1", found: "a sum of \(sum)") }
            probabilities = vector
            propensity = vector[chosen]
        }
        if let stated = fields.probability {
            if let propensity {
                // One writer multiplies by the probability that the event was kept.
                let kept = propensity * (1 - dropProbability)
                guard abs(stated - propensity) <= 1e-3 * propensity || abs(stated - kept) <= 1e-3 * kept else {
                    throw error("_label_probability", expected: "\(propensity) as in `p`", found: String(stated))
                }
            } else {
                propensity = stated
            }
        }
        if verdict == .counts, let propensity, Propensity(propensity) == nil {
            throw EventLogError.propensityOutOfRange(place, found: propensity)
        }
    }

    private func error(_ field: String, expected: String, found: String) -> EventLogError {
        .badEvent(place, field: field, expected: expected, found: found)
    }
}

/// What a line says, before it is put together.
private struct Fields {
    var cost: Double?
    var probability: Double?
    var action: Int?
    var index: Int?
    var order: [Int]?
    var probabilities: [Double]?
    var id: String?
    var time: Timestamp?
    var version: String?
    var dropProbability: Double?
    var isDeferred = false
    var isActivated = false
    var isMarkedInactive = false
    var isSkipped = false
    var hasContext = false
    var hasRewardValue = false
    var context = Context()
    var keys: [String] = []

    mutating func read(_ json: inout JSONScanner, place: FilePlace) throws {
        try json.beginObject()
        while let field = try json.nextKey() {
            if json.takeNull() { continue }
            switch field {
            case "_label_cost": cost = try json.number()
            case "_label_probability": probability = try json.number()
            case "_label_Action", "_label_action": action = try json.integer()
            case "_labelIndex": index = try json.integer()
            case "a": order = try json.list { try $0.integer() }
            case "p": probabilities = try json.list { try $0.number() }
            case "EventId": id = try json.string()
            case "Version": version = try json.string()
            case "Timestamp":
                let text = try json.string()
                guard let read = Timestamp(text) else {
                    throw EventLogError.badEvent(
                        place, field: field, expected: "a time such as 2026-11-01T00:00:00.000Z", found: text)
                }
                time = read
            case "pdrop": dropProbability = try json.number()
            case "DeferredAction": isDeferred = try json.boolean()
            case "_deferred": isMarkedInactive = try json.boolean()
            case "_skipLearn": isSkipped = try json.boolean()
            case "ActionTaken": isActivated = try json.boolean() || isActivated
            case "RewardValue":
                hasRewardValue = true
                try json.skip()
            case "o": try readObservations(&json)
            case "c":
                hasContext = true
                var reader = DSJSONContext(place: place)
                try reader.read(&json)
                context = Context(reader.values)
                keys = reader.keys
            case "_outcomes", "_slots":
                throw EventLogError.badEvent(
                    place, field: field, expected: "one choice of one arm", found: "several slots (a conditional or slate bandit)")
            case "_label_ca", "_label_pdf_value", "pdf_value":
                throw EventLogError.badEvent(place, field: field, expected: "one choice of one arm", found: "a continuous action")
            default: try json.skip()
            }
        }
    }

    /// `[{"v": 1, "EventId": ..., "ActionTaken": true}, ...]`: what was joined to the decision.
    private mutating func readObservations(_ json: inout JSONScanner) throws {
        try json.beginArray()
        while try json.nextElement() {
            try json.beginObject()
            while let field = try json.nextKey() {
                if json.takeNull() { continue }
                switch field {
                case "ActionTaken": if try json.boolean() { isActivated = true }
                // Older logs say that the observation ended the deferral.
                case "DeferredAction": if try !json.boolean() { isActivated = true }
                default: try json.skip()
                }
            }
        }
    }
}

extension JSONScanner {
    fileprivate mutating func list<Value>(_ element: (inout JSONScanner) throws -> Value) throws -> [Value] {
        var values: [Value] = []
        try beginArray()
        while try nextElement() { values.append(try element(&self)) }
        return values
    }
}
