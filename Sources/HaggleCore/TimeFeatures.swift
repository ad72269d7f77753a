/// What the moment itself says, as features that every experiment has unless its file says `time_features: false`.
///
/// Their names begin with `$`, which no feature of a file can. The service adds them to a context before it chooses, so they are logged
/// with it; a log from elsewhere gets them from the impression's time when it is read. All in UTC: a shop in another zone sees the same
/// circle turned, which sine and cosine do not mind, but its weekend begins some hours off.
package enum TimeFeatures {
    /// Hour of the day, 0..<24, with its fraction.
    package static let hour = "$hour"
    /// Day of the week, 0 for Monday to below 7, with the hour as its fraction.
    package static let weekday = "$weekday"
    package static let isWeekend = "$weekend"
    /// Share of the year that has passed, in 0..<1 of 365.2425 days from 1 January 1970.
    package static let season = "$season"

    /// The four features, in the order of a schema.
    package static let features = [
        Feature(name: hour, kind: .cycle(period: 24)), Feature(name: weekday, kind: .cycle(period: 7)),
        Feature(name: isWeekend, kind: .boolean(missing: false)), Feature(name: season, kind: .cycle(period: 1)),
    ]

    /// Adds the features of `schema` that are time features and that the context lacks.
    package static func add(to context: inout Context, at time: Timestamp, for schema: FeatureSchema) {
        for feature in schema.features where feature.name.utf8.first == UInt8(ascii: "$") && context.values[feature.name] == nil {
            context.values[feature.name] = value(of: feature.name, at: time)
        }
    }

    private static func value(of name: String, at time: Timestamp) -> ContextValue? {
        let days = time.seconds / 86_400
        let day = days.rounded(.down)
        // 1 January 1970 was a Thursday.
        let weekday = (day + 3) - ((day + 3) / 7).rounded(.down) * 7
        switch name {
        case hour: return .number(((days - day) * 24 * 1e6).rounded() / 1e6)
        case Self.weekday: return .number(((weekday + days - day) * 1e6).rounded() / 1e6)
        case isWeekend: return .boolean(weekday >= 5)
        case season:
            let years = days / 365.2425
            return .number(((years - years.rounded(.down)) * 1e6).rounded() / 1e6)
        default: return nil
        }
    }
}
