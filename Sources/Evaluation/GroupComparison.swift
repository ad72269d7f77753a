package import HaggleMath

/// One group's outcomes, one number per unit.
package struct GroupSummary: Hashable, Sendable, Codable {
    package var group: String
    package var unitCount: Int
    /// Null without units.
    package var mean: Double?
    /// sd (ddof 1) / sqrt(units); null with fewer than two units.
    package var standardError: Double?
    /// Student's t with units - 1 degrees of freedom.
    package var interval: Interval?

    /// Summarises a group.
    package init(group: String, outcomes: RunningMoments, level: Double) {
        self.group = group
        unitCount = outcomes.count
        mean = outcomes.count > 0 ? outcomes.mean : nil
        guard let squaredError = outcomes.squaredError else { return }
        let error = squaredError.squareRoot()
        standardError = error
        let half = StudentT.quantile((1 + level) / 2, degreesOfFreedom: Double(outcomes.count - 1)) * error
        interval = Interval(
            method: .studentT, level: level, lower: outcomes.mean - half, upper: outcomes.mean + half,
            assumptions: "units are independent, and their mean is near normal; \(GroupComparison.oneLook)")
    }

    private enum CodingKeys: String, CodingKey {
        case group
        case unitCount = "units"
        case mean
        case standardError = "standard_error"
        case interval
    }
}

/// A group against its control group, by units.
///
/// Difference of means d with Welch's test for unequal variances:
///
/// ```
/// SE^2 = e_T + e_C,  e = s^2 / n      t = d / SE      nu = SE^4 / (e_T^2 / (n_T - 1) + e_C^2 / (n_C - 1))
/// ```
/// Relative lift with the delta method for a ratio of independent means:
///
/// ```
/// lift = (m_T - m_C) / |m_C|      SE(lift)^2 = (e_T + (m_T / m_C)^2 e_C) / m_C^2
/// ```
/// Null where a group has fewer than two units or nothing varies; the lift also where the control's mean lies within 3 of its standard errors
/// of 0, because a ratio to a number that may be 0 says nothing.
///
/// Welch 1947; Satterthwaite 1946.
package struct GroupComparison: Hashable, Sendable, Codable {
    /// A number with its doubt.
    package struct Effect: Hashable, Sendable, Codable {
        package var value: Double
        package var standardError: Double
        package var interval: Interval

        private enum CodingKeys: String, CodingKey {
            case value
            case standardError = "standard_error"
            case interval
        }
    }

    package var group: String
    package var control: String
    package var difference: Effect?
    package var t: Double?
    package var degreesOfFreedom: Double?
    /// Two-sided, for one look at a time fixed in advance.
    package var pValue: Double?
    package var relativeLift: Effect?

    /// What every fixed-sample interval and p-value takes for granted.
    static let oneLook = "one look at a time that was fixed in advance"

    private enum CodingKeys: String, CodingKey {
        case group, control, difference, t
        case degreesOfFreedom = "degrees_of_freedom"
        case pValue = "p_value"
        case relativeLift = "relative_lift"
    }

    /// Compares two groups of units.
    package init(group: String, outcomes: RunningMoments, control: String, controlOutcomes: RunningMoments, level: Double) {
        self.group = group
        self.control = control
        guard let ours = outcomes.squaredError, let theirs = controlOutcomes.squaredError, ours + theirs > 0 else { return }
        let value = outcomes.mean - controlOutcomes.mean
        let error = (ours + theirs).squareRoot()
        // As shares of the sum, so that tiny or huge errors neither under- nor overflow when squared.
        let share = ours / (ours + theirs)
        let freedom =
            1 / (share * share / Double(outcomes.count - 1) + (1 - share) * (1 - share) / Double(controlOutcomes.count - 1))
        guard value.isFinite, error.isFinite, error > 0, freedom.isFinite else { return }
        let half = StudentT.quantile((1 + level) / 2, degreesOfFreedom: freedom) * error
        difference = Effect(
            value: value, standardError: error,
            interval: Interval(
                method: .studentT, level: level, lower: value - half, upper: value + half,
                assumptions: "units are independent, variances may differ (Welch), means are near normal; \(Self.oneLook)"))
        t = value / error
        degreesOfFreedom = freedom
        pValue = StudentT.twoSidedP(value / error, degreesOfFreedom: freedom)
        relativeLift = Self.lift(
            mean: outcomes.mean, squaredError: ours, controlMean: controlOutcomes.mean, controlSquaredError: theirs, level: level)
    }

    private static func lift(
        mean: Double, squaredError: Double, controlMean: Double, controlSquaredError: Double, level: Double
    ) -> Effect? {
        guard controlMean != 0, abs(controlMean) >= 3 * controlSquaredError.squareRoot() else { return nil }
        let ratio = mean / controlMean
        let value = (mean - controlMean) / abs(controlMean)
        let error = (squaredError + ratio * ratio * controlSquaredError).squareRoot() / abs(controlMean)
        guard value.isFinite, error.isFinite else { return nil }
        let half = NormalDistribution.quantile((1 + level) / 2) * error
        return Effect(
            value: value, standardError: error,
            interval: Interval(
                method: .normal, level: level, lower: value - half, upper: value + half,
                assumptions: "units are independent, delta method for the ratio of two means; \(oneLook)"))
    }
}
