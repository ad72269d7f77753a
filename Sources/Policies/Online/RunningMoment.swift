/// Mean, variance and range of a stream of numbers, by Welford's update.
struct RunningMoment {
    private(set) var count = 0.0
    private(set) var mean = 0.0
    private var squares = 0.0
    private(set) var low = Double.infinity
    private(set) var high = -Double.infinity

    mutating func add(_ value: Double) {
        count += 1
        let difference = value - mean
        mean += difference / count
        squares += difference * (value - mean)
        low = min(low, value)
        high = max(high, value)
    }

    /// The mean squared distance from the mean; 0 before the first number.
    var variance: Double { count > 0 ? squares / count : 0 }

    /// Largest less smallest; 0 before the first number.
    var reach: Double { count > 0 ? high - low : 0 }
}
