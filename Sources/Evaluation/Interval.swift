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
        /// Hoeffding 1963: needs a declared reward range and weight bound; holds at every n.
        case hoeffding
        /// Maurer & Pontil 2009: as Hoeffding, narrower where the sample varies little.
        case empiricalBernstein = "empirical-bernstein"
        /// Clopper & Pearson 1934, for rewards of 0 and 1 that all weigh the same.
        case clopperPearson = "clopper-pearson"
        /// The empirical-likelihood interval of Karampatziakis et al. 2020.
        case cressieRead = "cressie-read"
        /// A confidence sequence: holds at all times at once, also under adaptive logging (Waudby-Smith et al. 2022).
        case anytime
        /// A confidence sequence in the limit of many rows (Waudby-Smith et al. 2021): independent rows, any reward, no declared range.
        case asymptoticAnytime = "asymptotic-anytime"
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
