package import HaggleCore
import HaggleMath

/// Context to numbers: cleaning, imputation, clipping, transformation, scaling, one-hot and hashed categories.
///
/// Fitted on contexts of the log, stored with the snapshot: training and serving run this same code. A value of another type than its
/// feature's counts as missing here (the edge refuses it before). Output is always finite.
package struct FeatureEncoder: Hashable, Sendable, Codable {
    /// The features' plans in schema order.
    private let plans: [FeaturePlan]
    /// Number of columns; the caller appends the constant 1.
    package let width: Int

    /// Fits the statistics of a schema to contexts.
    ///
    /// A number's statistics come from its observed values: mean and median as sent, percentiles as sent, mean and standard deviation for
    /// scaling after clipping and transformation. Exact up to 262 144 contexts; beyond, from an evenly thinned sample of at least half as
    /// many. O(n log n) per feature.
    package init(schema: FeatureSchema, fittedTo contexts: some Sequence<Context>) {
        var samples = schema.features.map { _ in ThinnedSample() }
        for context in contexts {
            for (index, feature) in schema.features.enumerated() {
                if case .number = feature.kind, case .number(let value)? = context.values[feature.name], value.isFinite {
                    samples[index].add(value)
                }
            }
        }
        plans = zip(schema.features, samples).map { FeaturePlan($0, fittedTo: $1.values) }
        width = plans.reduce(0) { $0 + $1.width }
    }

    /// Neutral statistics: missing numbers become 0 unless the schema names a value, nothing is scaled.
    package init(unfitted schema: FeatureSchema) {
        plans = schema.features.map { FeaturePlan($0, fittedTo: nil) }
        width = plans.reduce(0) { $0 + $1.width }
    }

    /// A name for each column: `recency_days`, `channel=web`, `channel=?` (unknown), `postcode#17`.
    package var columnNames: [String] { plans.flatMap(\.columnNames) }

    /// Writes exactly `width` numbers.
    /// - Precondition: `output` has at least `width` elements.
    package func encode(_ context: Context, into output: inout [Float]) {
        precondition(output.count >= width, "the output is narrower than the encoding")
        var column = 0
        for plan in plans {
            plan.encode(context.values[plan.name], into: &output, at: column)
            column += plan.width
        }
    }

    /// The same numbers as doubles.
    package func encode(_ context: Context) -> [Double] {
        var output = [Float](repeating: 0, count: width)
        encode(context, into: &output)
        return output.map(Double.init)
    }
}
