/// What is known of one number, for the methods that need more than its standard error.
struct IntervalSubject: Sendable {
    var score: Score
    /// In words.
    var assumptions: String
    /// The number's value in every bootstrap replicate; nil without a bootstrap.
    var replicates: [Double]?
    /// Bounds of one row's score where the number is a mean of bounded scores.
    var scoreRange: ClosedRange<Double>?
    /// Bounds of the truth itself, for methods that know the range of rewards.
    var truthRange: ClosedRange<Double>?
    /// The number as a share of successes.
    var share: (successes: Int, trials: Int)?
    /// What an empirical likelihood is made of.
    var likelihood: (sums: CressieReadInterval.Sums, largestWeight: Double)?
    /// Bounds of the confidence sequence at the last row.
    var sequence: (lower: Double, upper: Double)?
    /// Effective rows with a reward; of a difference, of the side that has fewer.
    var effectiveConversions = 0.0
}
