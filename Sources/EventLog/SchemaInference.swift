package import HaggleCore

/// What the features of a log look like, for logs that come without an experiment file.
///
/// A feature whose values are all numbers is a number, all flags a flag, up to 64 texts a category, everything else a hashed category. Names of
/// time features are those; lists of events are left out, since how many of them and which of their fields count is a choice.
package struct SchemaInference: Sendable {
    private struct Profile: Sendable {
        var hasNumbers = false
        var hasFlags = false
        var texts: Set<String> = []
        var isLong = false
        var hasEvents = false
    }

    private static let mostValues = 64
    private var profiles: [String: Profile] = [:]

    package init() {}

    /// Looks at one row.
    package mutating func see(_ context: Context) {
        for (name, value) in context.values {
            var profile = profiles[name, default: Profile()]
            switch value {
            case .number: profile.hasNumbers = true
            case .boolean: profile.hasFlags = true
            case .events: profile.hasEvents = true
            case .text(let text):
                if !profile.isLong { profile.texts.insert(text) }
                if profile.texts.count > Self.mostValues { profile.isLong = true }
            }
            profiles[name] = profile
        }
    }

    /// The features, in the order of their names.
    package var schema: FeatureSchema {
        FeatureSchema(
            features: profiles.sorted { $0.key < $1.key }.compactMap { name, profile in
                if let feature = TimeFeatures.features.first(where: { $0.name == name }) { return feature }
                return profile.hasEvents ? nil : Feature(name: name, kind: kind(of: profile))
            })
    }

    private func kind(of profile: Profile) -> Feature.Kind {
        if profile.isLong || (!profile.texts.isEmpty && (profile.hasNumbers || profile.hasFlags)) {
            return .hashedCategory(buckets: 64, missing: nil)
        }
        if !profile.texts.isEmpty { return .category(values: profile.texts.sorted(), missing: nil) }
        if profile.hasFlags && !profile.hasNumbers { return .boolean(missing: nil) }
        return .number(missing: .median, clip: .none, transform: .identity, scale: .standard)
    }
}
