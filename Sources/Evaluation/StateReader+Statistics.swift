import HaggleMath

extension StateReader {
    mutating func compensatedSum() throws(EvaluationError) -> CompensatedSum {
        let total = try double()
        return CompensatedSum(total: total, compensation: try double())
    }

    mutating func four() throws(EvaluationError) -> SIMD4<Double> {
        var four = SIMD4<Double>.zero
        for index in 0..<4 { four[index] = try double() }
        return four
    }

    mutating func coMoments(width: Int) throws(EvaluationError) -> CoMoments {
        let rowCount = try count()
        let means = try doubles()
        guard let moments = CoMoments(width: width, rowCount: rowCount, means: means, lowerProducts: try doubles()) else {
            throw Self.nonsense("co-moments")
        }
        return moments
    }

    mutating func unitSums(width: Int, bucketBits: Int) throws(EvaluationError) -> UnitSums {
        let rowCount = try count()
        let isCollapsed = try bool()
        let units = try list(least: 8) { reader throws(EvaluationError) in try reader.unsigned() }
        guard
            let sums = UnitSums(
                width: width, bucketBits: bucketBits, rowCount: rowCount, isCollapsed: isCollapsed, units: units, sums: try doubles())
        else { throw Self.nonsense("sums by unit") }
        return sums
    }

    mutating func weightStatistics(armCount: Int) throws(EvaluationError) -> WeightStatistics {
        var weights = WeightStatistics(armCount: armCount)
        weights.sum = try compensatedSum()
        weights.sumOfSquares = try compensatedSum()
        weights.rewardedSum = try compensatedSum()
        weights.rewardedSumOfSquares = try compensatedSum()
        weights.rareMass = try compensatedSum()
        weights.impossibleMass = try compensatedSum()
        weights.rewardedRowCount = try count()
        weights.checkableRowCount = try count()
        weights.targetRowCount = try count()
        weights.heaviest.arm = try count()
        weights.heaviest.weight = try double()
        weights.heaviest.propensity = try double()
        let tail = try doubles()
        guard weights.heaviest.arm < armCount, tail.count <= weights.tail.capacity else { throw Self.nonsense("weights") }
        for weight in tail { weights.tail.add(weight) }
        weights.sketch = WeightSketch(
            bins: try table(limit: WeightSketch.limit, empty: WeightSketch.Bin(), least: 24) { reader throws(EvaluationError) in
                let count = try reader.count()
                let sum = try reader.double()
                return WeightSketch.Bin(count: count, sum: sum, smallest: try reader.double())
            })
        for arm in 0..<armCount {
            weights.arms[arm].target = try compensatedSum()
            weights.arms[arm].impossible = try compensatedSum()
            weights.arms[arm].weight = try compensatedSum()
            weights.arms[arm].weightSquares = try compensatedSum()
        }
        return weights
    }

    mutating func logStatistics(armCount: Int) throws(EvaluationError) -> LogStatistics {
        var log = LogStatistics(armCount: armCount)
        for arm in 0..<armCount {
            log.arms[arm].rowCount = try count()
            log.arms[arm].smallestPropensity = try double()
            log.arms[arm].propensities = try compensatedSum()
        }
        log.fullRowCount = try count()
        log.timedRowCount = try count()
        log.frequencies = try frequencies(armCount: armCount)
        log.calibration = try calibration()
        let level = try count()
        let entries = try list(least: 24) { reader throws(EvaluationError) -> (UInt64, UnitSample.Entry) in
            let unit = try reader.unsigned()
            let rowCount = try reader.count()
            let times = try reader.list(least: 8) { reader throws(EvaluationError) in try reader.int64() }
            return (unit, UnitSample.Entry(rowCount: rowCount, times: times))
        }
        guard let sample = UnitSample(level: level, entries: Dictionary(entries) { first, _ in first }) else {
            throw Self.nonsense("sample of units")
        }
        log.unitSample = sample
        return log
    }

    private mutating func frequencies(armCount: Int) throws(EvaluationError) -> ArmFrequencies {
        let rowCount = try count()
        let empty = ArmFrequencies(armCount: armCount).unnamed
        let limit = ArmFrequencies.limit(armCount: armCount)
        let snapshots = try table(limit: limit, empty: empty, least: 40 * armCount) { reader throws(EvaluationError) in
            try reader.tallies(armCount: armCount)
        }
        let days = try table(limit: limit, empty: empty, least: 40 * armCount) { reader throws(EvaluationError) in
            try reader.tallies(armCount: armCount)
        }
        return ArmFrequencies(
            armCount: armCount, rowCount: rowCount, snapshots: snapshots, days: days, unnamed: try tallies(armCount: armCount))
    }

    private mutating func tallies(armCount: Int) throws(EvaluationError) -> ArmFrequencies.Tallies {
        var tallies = ArmFrequencies.Tallies(arms: [])
        for _ in 0..<armCount {
            let observed = try count()
            let expected = try compensatedSum()
            tallies.arms.append(ArmFrequencies.Tally(observed: observed, expected: expected, variance: try compensatedSum()))
        }
        return tallies
    }

    private mutating func calibration() throws(EvaluationError) -> RewardCalibration {
        let bins = try table(limit: RewardCalibration.limit, empty: RewardCalibration.Bin(), least: 32) { reader throws(EvaluationError) in
            let (count, estimates) = (try reader.double(), try reader.double())
            let (rewards, rewardSquares) = (try reader.double(), try reader.double())
            // Reports turn the count into a whole number.
            guard count >= 0, count < 0x1p53 else { throw Self.nonsense("calibration") }
            return RewardCalibration.Bin(count: count, estimates: estimates, rewards: rewards, rewardSquares: rewardSquares)
        }
        let groups = try doubles()
        guard groups.count == RewardCalibration.groupCount * RewardCalibration.groupWidth else { throw Self.nonsense("calibration") }
        let outsideCount = try count()
        return RewardCalibration(bins: bins, groups: groups, outsideCount: outsideCount, estimateCount: try count())
    }

    mutating func course(policyCount: Int, hasModel: Bool) throws(EvaluationError) -> EstimateCourse {
        var course = EstimateCourse(policyCount: policyCount, hasModel: hasModel)
        let empty = EstimateCourse.emptyPart(policyCount: policyCount)
        var tables: [CoarseningTable<EstimateCourse.Part>] = []
        for _ in 0..<2 {
            tables.append(
                try table(limit: EstimateCourse.partLimit, empty: empty, least: 32) { reader throws(EvaluationError) in
                    let rowCount = try reader.count()
                    let (first, last) = (try reader.int64(), try reader.int64())
                    let sums = try reader.doubles()
                    guard sums.count == empty.sums.count else { throw Self.nonsense("course") }
                    return EstimateCourse.Part(rowCount: rowCount, first: first, last: last, sums: sums)
                })
        }
        course = EstimateCourse(policyCount: policyCount, hasModel: hasModel, timed: tables[0], untimed: tables[1])
        return course
    }

    /// - Parameter least: bytes that a value takes at least.
    mutating func weightDistribution() throws(EvaluationError) -> WeightDistribution {
        WeightDistribution(
            cells: try table(limit: WeightDistribution.limit, empty: WeightDistribution.Cell(), least: 40) {
                reader throws(EvaluationError) in
                let count = try reader.count()
                guard count > 0 else { throw Self.nonsense("distribution of weights") }
                let weight = try reader.compensatedSum()
                return WeightDistribution.Cell(count: count, weight: weight, reward: try reader.compensatedSum())
            })
    }

    mutating func foldSums(like empty: FoldSums) throws(EvaluationError) -> FoldSums {
        var folds = empty
        folds.counts = try list(least: 8) { reader throws(EvaluationError) in try reader.count() }
        folds.sums = try list(least: 16) { reader throws(EvaluationError) in try reader.compensatedSum() }
        guard folds.counts.count == empty.counts.count, folds.sums.count == empty.sums.count else { throw Self.nonsense("folds") }
        return folds
    }

    private mutating func table<Value>(
        limit: Int, empty: Value, least: Int, _ body: (inout Self) throws(EvaluationError) -> Value
    ) throws(EvaluationError) -> CoarseningTable<Value> {
        let level = try count()
        let keys = try list(least: 8 + least) { reader throws(EvaluationError) in try reader.int64() }
        var values: [Value] = []
        for _ in keys { values.append(try body(&self)) }
        guard let table = CoarseningTable(limit: limit, empty: empty, level: level, keys: keys, values: values) else {
            throw Self.nonsense("table")
        }
        return table
    }
}
