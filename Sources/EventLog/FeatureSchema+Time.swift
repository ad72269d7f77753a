import HaggleCore

extension FeatureSchema {
    /// The time features of the schema, so that a row of a schema without any costs nothing.
    /// - Parameter wanted: only these; nil for all.
    func timeFeatures(among wanted: [String]? = nil) -> FeatureSchema {
        let names = TimeFeatures.features.map(\.name)
        return FeatureSchema(features: features.filter { names.contains($0.name) && wanted?.contains($0.name) ?? true })
    }
}
