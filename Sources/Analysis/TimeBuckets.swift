import HaggleCore

/// Stretches of time of one length that cover a span: few enough to draw, many enough to see a course.
struct TimeBuckets: Hashable, Sendable {
    let start: Timestamp
    let seconds: Double
    let count: Int

    /// Never more than that many.
    static let maximumCount = 60

    /// Each at most 2.5 times the one before, so a long span gets at least 24 buckets.
    private static let lengths: [Double] = [
        0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 10_800, 21_600, 43_200, 86_400, 2 * 86_400,
        4 * 86_400,
        7 * 86_400, 14 * 86_400, 28 * 86_400,
    ]

    /// Covers both ends; boundaries are multiples of the length since 1970 (hours begin at full hours).
    init(from first: Timestamp, through last: Timestamp) {
        var candidate = Self.covering(first, last, seconds: Self.lengths[0])
        for length in Self.lengths where candidate.count > Self.maximumCount {
            candidate = Self.covering(first, last, seconds: length)
        }
        while candidate.count > Self.maximumCount {
            candidate = Self.covering(first, last, seconds: candidate.seconds * 2)
        }
        self = candidate
    }

    private init(start: Timestamp, seconds: Double, count: Int) {
        self.start = start
        self.seconds = seconds
        self.count = count
    }

    private static func covering(_ first: Timestamp, _ last: Timestamp, seconds: Double) -> TimeBuckets {
        let length = Int64((seconds * 1e6).rounded())
        let remainder = first.microseconds % length
        let start = first.microseconds - (remainder < 0 ? remainder + length : remainder)
        return TimeBuckets(
            start: Timestamp(microseconds: start), seconds: seconds, count: Int((max(last, first).microseconds - start) / length) + 1)
    }

    /// The bucket of a moment; moments outside belong to the nearest.
    func index(of time: Timestamp) -> Int { min(count - 1, max(0, Int(((time - start) / seconds).rounded(.down)))) }

    /// When a bucket begins; `count` gives the end of the last.
    func start(of index: Int) -> Timestamp { start + Double(index) * seconds }
}
