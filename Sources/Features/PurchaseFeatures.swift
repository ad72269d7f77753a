package import HaggleCore

/// How a customer's purchases become features: the same value, and so the same numbers, for the file that a model is trained on and for one
/// customer at the moment of choice.
///
/// What is fitted (the categories and the bounds of outliers) is stored in it, so whoever serves with it uses what was trained with.
package struct PurchaseFeatures: Hashable, Sendable, Codable {
    /// The most events of a history.
    package static let eventLimit = 4096
    /// Buckets of the event's category in the schema.
    static let categoryBuckets = 32
    /// The name of the sequence feature.
    package static let historyName = "history"

    /// The categories whose share of spend is a feature of its own, by falling spend; empty where categories are unknown.
    package let categories: [String]
    /// The least and the greatest amount of a purchase that counts in full; nil where amounts are not limited.
    package let amountBounds: ClosedRange<Double>?
    /// The most recent events that `history` keeps.
    package let eventCount: Int

    /// - Precondition: different categories, finite bounds, `eventCount` in `0...eventLimit`.
    package init(categories: [String] = [], amountBounds: ClosedRange<Double>? = nil, eventCount: Int = 32) {
        precondition(Set(categories).count == categories.count, "a category stands once")
        precondition((0...Self.eventLimit).contains(eventCount), "the length of a history is limited")
        self.categories = categories
        self.amountBounds = amountBounds
        self.eventCount = eventCount
        columns = Self.columns(for: categories)
    }

    /// The number columns, in the order of a file.
    package let columns: [PurchaseFeatureColumn]

    /// What is known about a customer at `asOf` from these events: the numbers of `columns` (a number that does not exist, such as the spread
    /// of one basket, is missing) and the event sequence. Events at or after `asOf` are not looked at.
    package func context(of events: some Sequence<PurchaseEvent>, asOf: Timestamp) -> Context {
        context(of: PurchaseHistory(events, asOf: asOf, bounds: amountBounds))
    }

    /// As above, for a history that exists already, its amounts limited to `amountBounds`.
    package func context(of history: PurchaseHistory) -> Context {
        var context = Context()
        for (column, value) in zip(columns, values(of: history)) {
            if let value { context[column.name] = .number(value) }
        }
        if eventCount > 0 { context[Self.historyName] = .events(recentEvents(of: history)) }
        return context
    }
}

extension PurchaseFeatures {
    private enum CodingKeys: String, CodingKey {
        case categories, lowest, highest
        case eventCount = "events"
    }

    package init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        let categories = try container.decode([String].self, forKey: .categories)
        let eventCount = try container.decode(Int.self, forKey: .eventCount)
        let lowest = try container.decodeIfPresent(Double.self, forKey: .lowest)
        let highest = try container.decodeIfPresent(Double.self, forKey: .highest)
        guard Set(categories).count == categories.count else {
            throw DecodingError.dataCorruptedError(
                forKey: .categories, in: container, debugDescription: "expected different categories, found one twice")
        }
        guard (0...Self.eventLimit).contains(eventCount) else {
            throw DecodingError.dataCorruptedError(
                forKey: .eventCount, in: container, debugDescription: "expected 0 to \(Self.eventLimit), found \(eventCount)")
        }
        var bounds: ClosedRange<Double>?
        switch (lowest, highest) {
        case (let lowest?, let highest?) where lowest.isFinite && highest.isFinite && lowest <= highest: bounds = lowest...highest
        case (nil, nil): break
        default:
            throw DecodingError.dataCorruptedError(
                forKey: .lowest, in: container, debugDescription: "expected `lowest` and `highest`, the first not above the second")
        }
        self.init(categories: categories, amountBounds: bounds, eventCount: eventCount)
    }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(categories, forKey: .categories)
        try container.encode(eventCount, forKey: .eventCount)
        try container.encodeIfPresent(amountBounds?.lowerBound, forKey: .lowest)
        try container.encodeIfPresent(amountBounds?.upperBound, forKey: .highest)
    }
}
