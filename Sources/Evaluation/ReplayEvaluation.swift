/// What a whole learning algorithm earned when it was played through a log by rejection replay (Li, Chu, Langford & Wang 2011).
///
/// Not an estimate of one fixed policy: the algorithm starts from its prior and learns along the way, so its value belongs to a run of
/// `acceptedCount` rounds.
package struct ReplayEvaluation: Hashable, Sendable, Codable {
    /// One stretch of the run.
    package struct Stretch: Hashable, Sendable, Codable {
        /// Rounds played up to its end.
        package var acceptedCount: Int
        /// Mean reward of the stretch alone.
        package var mean: Double
        /// Mean reward from the start to its end.
        package var cumulativeMean: Double

        package init(acceptedCount: Int, mean: Double, cumulativeMean: Double) {
            self.acceptedCount = acceptedCount
            self.mean = mean
            self.cumulativeMean = cumulativeMean
        }

        private enum CodingKeys: String, CodingKey {
            case acceptedCount = "rounds"
            case mean
            case cumulativeMean = "cumulative_mean"
        }
    }

    package var policy: String
    /// Rows of the log.
    package var offeredCount: Int
    /// Rows that the replay accepted: rounds that the algorithm played.
    package var acceptedCount: Int
    /// Rows whose weight was above the bound; each biases the replay.
    package var cappedCount: Int
    /// M, the declared bound on target over logging probability.
    package var weightBound: Double
    /// Mean reward of the accepted rows; null without any.
    package var value: Double?
    package var standardError: Double?
    package var intervals: [Interval]
    package var course: [Stretch]

    package init(
        policy: String, offeredCount: Int, acceptedCount: Int, cappedCount: Int, weightBound: Double, value: Double?,
        standardError: Double?, intervals: [Interval], course: [Stretch]
    ) {
        self.policy = policy
        self.offeredCount = offeredCount
        self.acceptedCount = acceptedCount
        self.cappedCount = cappedCount
        self.weightBound = weightBound
        self.value = value
        self.standardError = standardError
        self.intervals = intervals
        self.course = course
    }

    private enum CodingKeys: String, CodingKey {
        case policy
        case offeredCount = "rows_offered"
        case acceptedCount = "rounds"
        case cappedCount = "rows_above_bound"
        case weightBound = "weight_bound"
        case value
        case standardError = "standard_error"
        case intervals, course
    }
}
