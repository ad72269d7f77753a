/// The features of an experiment's context, in the order of its file.
package struct FeatureSchema: Hashable, Sendable, Codable {
    package var features: [Feature]

    package init(features: [Feature] = []) { self.features = features }

    /// The feature with that name, if the schema has one.
    package subscript(name: String) -> Feature? { features.first { $0.name == name } }
}

/// One feature: what values it takes and how they are cleaned and encoded.
package struct Feature: Hashable, Sendable, Codable {
    /// What stands in for a missing number.
    package enum NumberImputation: Hashable, Sendable, Codable {
        case value(Double)
        case mean
        case median
    }

    /// Bounds on a number, fitted or given.
    package enum Clipping: Hashable, Sendable, Codable {
        case none
        /// `[lower, upper]` in the feature's own unit.
        case fixed(lower: Double, upper: Double)
        /// `p99`: above that percentile of the fitted data; the lower bound is the mirrored percentile (`p99` clips below `p1`).
        case percentile(Double)
    }

    /// A monotone map applied after clipping.
    package enum Transform: String, Hashable, Sendable, Codable, CaseIterable {
        case identity = "none"
        /// sign(x) log(1 + |x|).
        case log1p
    }

    /// What is done last.
    package enum Scaling: String, Hashable, Sendable, Codable, CaseIterable {
        case none
        /// Subtract the mean, divide by the standard deviation of the fitted data.
        case standard
    }

    package enum Kind: Hashable, Sendable, Codable {
        case number(missing: NumberImputation, clip: Clipping, transform: Transform, scale: Scaling)
        /// `missing: nil` encodes a missing value as its own indicator.
        case boolean(missing: Bool?)
        /// One column per listed value and one for unknown ones.
        case category(values: [String], missing: String?)
        /// Hashed into that many columns.
        case hashedCategory(buckets: Int, missing: String?)
        /// A number on a circle, such as the hour of a day: two columns, sine and cosine of `2 pi value / period`; missing is 0, 0.
        case cycle(period: Double)
        /// Past events, newest last; `length` of them at most, older ones are left out. Only `cnn` and `gru` look at their order.
        case sequence(fields: [SequenceField], length: Int)
    }

    /// One number or category of each event of a `sequence`.
    package struct SequenceField: Hashable, Sendable, Codable {
        package enum Kind: Hashable, Sendable, Codable {
            case number
            /// Hashed into one of so many embedded values.
            case hashedCategory(buckets: Int)
        }

        package var name: String
        package var kind: Kind

        package init(name: String, kind: Kind) {
            self.name = name
            self.kind = kind
        }
    }

    package var name: String
    package var kind: Kind

    package init(name: String, kind: Kind) {
        self.name = name
        self.kind = kind
    }
}
