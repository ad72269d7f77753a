/// The least-squares line through the reward model's estimates for the logged arms and the rewards: reward = intercept + slope * estimate.
///
/// A model that is right has slope 1 and intercept 0. Errors are clustered by unit.
package struct CalibrationLine: Hashable, Sendable, Codable {
    package var slope: Double
    package var slopeError: Double
    package var intercept: Double
    package var interceptError: Double
    package var meanEstimate: Double
    package var meanReward: Double
    /// Standard error of the mean reward minus the mean estimate.
    package var offsetError: Double

    package init(
        slope: Double, slopeError: Double, intercept: Double, interceptError: Double, meanEstimate: Double, meanReward: Double,
        offsetError: Double
    ) {
        self.slope = slope
        self.slopeError = slopeError
        self.intercept = intercept
        self.interceptError = interceptError
        self.meanEstimate = meanEstimate
        self.meanReward = meanReward
        self.offsetError = offsetError
    }

    /// Whether the slope is more than 4 standard errors and more than a quarter from 1: estimates spread too much or too little.
    package var isSlopeOff: Bool { abs(slope - 1) > 4 * slopeError && abs(slope - 1) > 0.25 }

    /// Whether the mean estimate is more than 4 standard errors and more than a tenth of the mean reward away from that.
    package var isLevelOff: Bool {
        let offset = abs(meanReward - meanEstimate)
        return offset > 4 * offsetError && offset > 0.1 * abs(meanReward)
    }

    var isFinite: Bool {
        [slope, slopeError, intercept, interceptError, meanEstimate, meanReward, offsetError].allSatisfy(\.isFinite)
    }

    private enum CodingKeys: String, CodingKey {
        case slope
        case slopeError = "slope_standard_error"
        case intercept
        case interceptError = "intercept_standard_error"
        case meanEstimate = "mean_estimate"
        case meanReward = "mean_reward"
        case offsetError = "offset_standard_error"
    }
}
