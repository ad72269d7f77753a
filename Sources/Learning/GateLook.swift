package import HaggleCore

/// One look of the gate at one candidate: what was measured, at which level, and what follows.
package struct GateLook: Hashable, Sendable, Codable {
    package enum Decision: String, Hashable, Sendable, Codable, CaseIterable {
        /// Published: shown to earn more than what serves.
        case better
        /// Published by `veto`: not shown to earn less than anything it was compared with.
        case notWorse = "not_worse"
        /// Published by `veto`: too few rows to say anything, and too early to insist.
        case tooEarly = "too_early"
        /// Kept back: shown to earn less than what serves.
        case worse
        /// Kept back: shown to earn less than control or the network approved last, and not shown to earn more than what serves.
        case worseThanAnchor = "worse_than_anchor"
        /// Kept back by `prove`: not shown to earn more than what serves.
        case notBetter = "not_better"
        /// Kept back: the log cannot answer for it, although there are rows enough.
        case unsupported
        /// Kept back: its numbers are not sound.
        case defective

        /// Whether the candidate goes into service.
        package var publishes: Bool {
            switch self {
            case .better, .notWorse, .tooEarly: true
            case .worse, .worseThanAnchor, .notBetter, .unsupported, .defective: false
            }
        }
    }

    /// Candidate minus one baseline, with the interval of this look.
    package struct Difference: Hashable, Sendable, Codable {
        package var baseline: GateMeasurement.Comparison.Baseline
        package var lower: Double
        package var upper: Double

        package init(baseline: GateMeasurement.Comparison.Baseline, lower: Double, upper: Double) {
            self.baseline = baseline
            self.lower = lower
            self.upper = upper
        }
    }

    /// Counts the looks of a lineage, from 1.
    package var look: Int
    package var mode: Experiment.Gate
    /// The chance that any interval of any look of the lineage misses, all together.
    package var alpha: Double
    /// What this look spends of it: alpha / (look (look + 1)).
    package var spent: Double
    /// Level of each of this look's intervals: 1 - spent / number of comparisons.
    package var level: Double
    package var measurement: GateMeasurement
    /// An interval for each comparison that the log supports.
    package var differences: [Difference]
    package var decision: Decision
    /// Whether later candidates are held against this one: it was shown to earn more than the network approved before, or is the first.
    package var isApproved: Bool
    /// The decision as a sentence.
    package var reason: String

    package init(
        look: Int, mode: Experiment.Gate, alpha: Double, spent: Double, level: Double, measurement: GateMeasurement,
        differences: [Difference], decision: Decision, isApproved: Bool, reason: String
    ) {
        self.look = look
        self.mode = mode
        self.alpha = alpha
        self.spent = spent
        self.level = level
        self.measurement = measurement
        self.differences = differences
        self.decision = decision
        self.isApproved = isApproved
        self.reason = reason
    }

    /// The interval against that baseline; nil where the log supports none.
    package func difference(to baseline: GateMeasurement.Comparison.Baseline) -> Difference? {
        differences.first { $0.baseline == baseline }
    }

    private enum CodingKeys: String, CodingKey {
        case look, mode, alpha, spent, level, measurement, differences, decision
        case isApproved = "approved"
        case reason
    }
}
