import HaggleCore
import HaggleMath

/// The estimate in consecutive parts of the log, for every policy; O(1) per row, bounded memory, mergeable.
///
/// Parts are spans of time, or of row numbers where rows carry no times, of 2^k microseconds (rows) each, k growing until there are at most
/// 24 parts with rows. In each part two sums per policy and group of units are kept (128 groups by hash), so that errors are clustered by
/// unit: with a reward model the doubly robust score q^pi + w (r - q), otherwise w r and w, whose ratio is SNIPS.
struct EstimateCourse: Sendable {
    /// One part of the log.
    struct Part: Poolable {
        var rowCount = 0
        /// Keys of the first and the last row: microseconds or row numbers.
        var first = Int64.max
        var last = Int64.min
        /// Row-major: for each group the number of rows, then two sums for each policy.
        var sums: [Double]

        mutating func pool(_ other: Self) {
            rowCount += other.rowCount
            first = min(first, other.first)
            last = max(last, other.last)
            for index in sums.indices { sums[index] += other.sums[index] }
        }
    }

    static let partLimit = 24
    static let groupCount = 128

    let policyCount: Int
    let hasModel: Bool
    private(set) var timed: CoarseningTable<Part>
    private(set) var untimed: CoarseningTable<Part>
    private var isCurrentTimed = false
    private var currentPart = 0
    private var currentStart = 0

    init(policyCount: Int, hasModel: Bool) {
        let table = CoarseningTable(limit: Self.partLimit, empty: Self.emptyPart(policyCount: policyCount))
        self.init(policyCount: policyCount, hasModel: hasModel, timed: table, untimed: table)
    }

    /// Restores a course.
    init(policyCount: Int, hasModel: Bool, timed: CoarseningTable<Part>, untimed: CoarseningTable<Part>) {
        self.policyCount = policyCount
        self.hasModel = hasModel
        self.timed = timed
        self.untimed = untimed
    }

    /// A part without rows.
    static func emptyPart(policyCount: Int) -> Part { Part(sums: [Double](repeating: 0, count: groupCount * (1 + 2 * policyCount))) }

    /// Starts a row; its scores follow by `add`.
    /// - Parameters:
    ///   - row: the row's number in the whole log.
    ///   - key: the row's resampling key, which is its unit's where it has one.
    mutating func begin(time: Timestamp?, row: Int, key: UInt64) {
        currentStart = Int(truncatingIfNeeded: key >> 57) * (1 + 2 * policyCount)
        isCurrentTimed = time != nil
        let place = time?.microseconds ?? Int64(row)
        if isCurrentTimed {
            currentPart = timed.position(of: place)
            timed[currentPart].begin(place, group: currentStart)
        } else {
            currentPart = untimed.position(of: place)
            untimed[currentPart].begin(place, group: currentStart)
        }
    }

    /// One policy's part of the row that was begun.
    /// - Parameters:
    ///   - weight: w.
    ///   - residual: r - q of the logged arm, or r without a model.
    ///   - modelValue: q^pi, or 0.
    mutating func add(policy: Int, weight: Double, residual: Double, modelValue: Double) {
        let place = currentStart + 1 + 2 * policy
        let score = modelValue + weight * residual
        if isCurrentTimed {
            timed[currentPart].sums[place] += score
            timed[currentPart].sums[place + 1] += weight
        } else {
            untimed[currentPart].sums[place] += score
            untimed[currentPart].sums[place + 1] += weight
        }
    }

    mutating func merge(_ other: Self) {
        timed.merge(other.timed)
        untimed.merge(other.untimed)
    }

    /// The parts in order; empty where some rows have times and some have none.
    /// - Parameter level: of the intervals: Student's t with one less than the number of groups that have rows.
    func points(policy: Int, level: Double) -> [CoursePoint] {
        let isTimed = untimed.keys.isEmpty
        guard isTimed || timed.keys.isEmpty else { return [] }
        return (isTimed ? timed : untimed).sorted.map { _, part in
            let (value, half) = estimate(part, policy: policy, level: level)
            return CoursePoint(
                from: isTimed ? Timestamp(microseconds: part.first).description : nil,
                to: isTimed ? Timestamp(microseconds: part.last).description : nil, rowCount: part.rowCount,
                estimator: hasModel ? "DR" : "SNIPS", value: value, lower: value.flatMap { value in half.map { value - $0 } },
                upper: value.flatMap { value in half.map { value + $0 } })
        }
    }

    private func estimate(_ part: Part, policy: Int, level: Double) -> (value: Double?, half: Double?) {
        var top = CompensatedSum()
        var bottom = CompensatedSum()
        var groupCount = 0.0
        let starts = stride(from: 0, to: part.sums.count, by: 1 + 2 * policyCount).filter { part.sums[$0] > 0 }
        for start in starts {
            top += part.sums[start + 1 + 2 * policy]
            bottom += hasModel ? part.sums[start] : part.sums[start + 2 + 2 * policy]
            groupCount += 1
        }
        let value = top.value / bottom.value
        guard bottom.value > 0, value.isFinite else { return (nil, nil) }
        guard groupCount >= 2 else { return (value, nil) }
        var squares = 0.0
        for start in starts {
            let denominator = hasModel ? part.sums[start] : part.sums[start + 2 + 2 * policy]
            let deviation = part.sums[start + 1 + 2 * policy] - value * denominator
            squares += deviation * deviation
        }
        let error = (groupCount / (groupCount - 1) * squares).squareRoot() / bottom.value
        let half = StudentT.quantile((1 + level) / 2, degreesOfFreedom: groupCount - 1) * error
        return (value, half.isFinite ? half : nil)
    }
}

extension EstimateCourse.Part {
    fileprivate mutating func begin(_ place: Int64, group: Int) {
        rowCount += 1
        first = min(first, place)
        last = max(last, place)
        sums[group] += 1
    }
}
