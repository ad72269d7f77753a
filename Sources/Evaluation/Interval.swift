/// An interval with everything needed to read it: how it was made, at which level, and what it takes for granted.
package struct Interval: Hashable, Sendable, Codable {
    /// How intervals can be made.
    package enum Method: String, Hashable, Sendable, Codable, CaseIterable {
        /// Value +- z SE, with the delta method's standard error.
        case normal
        /// Percentiles of a Poisson bootstrap over units.
        case bootstrap
        /// Value +- t SE, with Student's t.
        case studentT = "student-t"
    }

    package var method: Method
    /// The share of repetitions in which such an interval is meant to contain the truth.
    package var level: Double
    package var lower: Double
    package var upper: Double
    /// In words, for the reader of a report.
    package var assumptions: String

    package init(method: Method, level: Double, lower: Double, upper: Double, assumptions: String) {
        self.method = method
        self.level = level
        self.lower = lower
        self.upper = upper
        self.assumptions = assumptions
    }

    /// Whether the number lies in the closed interval.
    package func contains(_ number: Double) -> Bool { lower <= number && number <= upper }
}
