import HaggleCore

/// What the features of a log look like, for logs that come without an experiment file.
///
/// A feature whose values are all numbers is a number, all flags a flag, up to 64 texts a category, everything else a hashed category.
struct SchemaInference {
    private struct Profile {
        var hasNumbers = false
        var hasFlags = false
        var texts: Set<String> = []
        var isLong = false
    }

    private static let mostValues = 64
    private var profiles: [String: Profile] = [:]

    /// Looks at one row.
    mutating func see(_ context: Context) {
        for (name, value) in context.values {
            var profile = profiles[name, default: Profile()]
            switch value {
            case .number: profile.hasNumbers = true
            case .boolean: profile.hasFlags = true
            case .events: break
            case .text(let text):
                if !profile.isLong { profile.texts.insert(text) }
                if profile.texts.count > Self.mostValues { profile.isLong = true }
            }
            profiles[name] = profile
        }
    }

    /// The features, in the order of their names.
    var schema: FeatureSchema {
        FeatureSchema(
            features: profiles.sorted { $0.key < $1.key }.map { name, profile in Feature(name: name, kind: kind(of: profile)) })
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
