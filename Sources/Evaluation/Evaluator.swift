import HaggleCore
import HaggleMath

/// Reads a log once and estimates what other policies would have earned on it.
///
/// Rows stream through; what is kept are sums (per policy: of each estimator's terms, their co-moments, and the weights' diagnostics), one
/// row of sums per *unit* (or per bucket of units, see `UnitSums`) where the log names units, and one row of sums per bootstrap replicate:
/// bounded, however long the log. Evaluators of disjoint parts of a log `merge` into the evaluator of the whole, to rounding.
///
/// Input is checked as it comes: the first bad row throws and names its number; the evaluator must not be used after that.
package struct Evaluator: Sendable {
    /// The policies in the order of the report and of `EvaluationRow.targets`.
    package let policies: [EvaluatedPolicy]
    /// Number of arms.
    package let armCount: Int
    package let options: EvaluationOptions
    /// The name of the reward model whose estimates the rows carry; nil without one.
    package let rewardModel: String?
    /// What is computed for every policy.
    package let estimators: [any Estimator]

    /// Rows so far, those of merged parts included.
    package internal(set) var rowCount = 0

    /// The distinct terms of the estimators, collected for each policy.
    let terms: [Term]
    /// Sums of the columns: column 0 is 1 for every row, then each policy's terms.
    var sums: [CompensatedSum]
    var rowsWithUnit: CoMoments
    var rowsWithoutUnit: CoMoments
    var units: UnitSums
    var weights: [WeightStatistics]
    var log: LogStatistics
    var course: EstimateCourse
    var bootstrap: Bootstrap?
    /// The same for each value of what the log is split by; nil where it is not split.
    var segments: SegmentTable?
    /// The number in the whole log, from 0, of the first row that this evaluator read itself, and of the next one.
    var firstRow: Int
    var nextRow: Int
    /// What errors add to the number of a row: how many rows a caller read before these.
    var numberOffset = 0
    /// Row numbers of the parts that were merged into this one, ascending and apart from each other.
    var mergedRanges: [Range<Int>] = []
    var pending: PendingRows

    /// - Parameters:
    ///   - rewardModel: the name of the reward model whose estimates every row carries, or nil.
    ///   - firstRow: the number of the first row in the whole log, from 0: rows without a unit are resampled by their number, so shards need
    ///     different ones.
    /// - Throws: `EvaluationError` for options or policies that cannot be evaluated.
    package init(
        policies: [EvaluatedPolicy], armCount: Int, options: EvaluationOptions = EvaluationOptions(), rewardModel: String? = nil,
        firstRow: Int = 0
    ) throws {
        try options.validate()
        guard !policies.isEmpty else { throw EvaluationError.noPolicies }
        var names: Set<String> = []
        for policy in policies where !names.insert(policy.name).inserted { throw EvaluationError.duplicatePolicy(policy.name) }
        for policy in policies {
            if case .computed(let computed) = policy.target, computed.armCount != armCount {
                throw EvaluationError.policyArmCount(policy: policy.name, expected: armCount, found: computed.armCount)
            }
        }
        let estimators = options.estimators ?? EstimatorPanel.standard(withRewardModel: rewardModel != nil)
        for estimator in estimators where estimator.needsRewardModel && rewardModel == nil {
            throw EvaluationError.estimatorNeedsRewardModel(estimator.name)
        }
        var terms: [Term] = [.weight(.plain)]
        for estimator in estimators {
            for term in estimator.terms where !terms.contains(term) { terms.append(term) }
        }
        let width = 1 + policies.count * terms.count
        self.policies = policies
        self.armCount = armCount
        self.options = options
        self.rewardModel = rewardModel
        self.estimators = estimators
        self.terms = terms
        self.firstRow = firstRow
        nextRow = firstRow
        sums = [CompensatedSum](repeating: CompensatedSum(), count: width)
        rowsWithUnit = CoMoments(width: width)
        rowsWithoutUnit = CoMoments(width: width)
        units = UnitSums(width: width, limit: options.clusterLimit)
        weights = [WeightStatistics](repeating: WeightStatistics(armCount: armCount), count: policies.count)
        log = LogStatistics(armCount: armCount)
        course = EstimateCourse(policyCount: policies.count, hasModel: rewardModel != nil)
        if options.intervals.contains(.bootstrap) { bootstrap = Bootstrap(replicateCount: options.resamples, width: width - 1) }
        pending = PendingRows(width: width)
        if options.segmentBy != nil {
            var part = options
            part.segmentBy = nil
            part.clusterLimit = min(4096, options.clusterLimit)
            segments = SegmentTable(
                empty: try Evaluator(policies: policies, armCount: armCount, options: part, rewardModel: rewardModel))
        }
    }

    /// Adds one row. O(policies * arms), and the bootstrap's share.
    /// - Throws: `EvaluationError` naming the row.
    package mutating func add(_ row: EvaluationRow) async throws {
        try addRow(row)
        if pending.isFull {
            await flush()
            try Task.checkCancellation()
        }
    }

    /// Adds one row, and leaves it to the caller to flush.
    mutating func addRow(_ row: EvaluationRow) throws {
        let number = rowNumber
        guard row.targets.count == policies.count else {
            throw EvaluationError.targetsCount(row: number, expected: policies.count, found: row.targets.count)
        }
        guard let propensity = row.propensity else { throw EvaluationError.propensityMissing(row: number) }
        try beginRow(
            arm: row.arm, propensity: propensity, reward: row.reward, unit: row.unit, estimates: row.estimates?[...], time: row.time,
            number: number)
        if let propensities = row.propensities { try check(propensities, of: row, number: number) }
        for policy in policies.indices {
            let target: ArraySlice<Double>
            if policies[policy].isLogged {
                target = row.propensities?[...] ?? []
            } else {
                target = row.targets[policy][...]
                if let eligible = row.eligible { try check(target, eligible: eligible, policy: policy, number: number) }
            }
            try add(
                policy: policy, target: target, arm: row.arm, propensity: propensity, reward: row.reward, estimates: row.estimates?[...],
                number: number)
            if let propensities = row.propensities { weights[policy].addMass(target: target, propensities: propensities) }
        }
        if let propensities = row.propensities {
            log.add(arm: row.arm, propensities: propensities, snapshot: row.snapshot, time: row.time)
        }
        try segments?.add(row, row: nextRow)
        endRow()
    }

    /// Adds neighbouring rows of columns, and leaves it to the caller to flush.
    mutating func addRow(_ index: Int, of columns: EvaluationColumns) throws {
        let number = rowNumber
        let estimates = columns.estimates?[index * armCount..<(index + 1) * armCount]
        let arm = columns.arms[index]
        let propensity = columns.propensities[index]
        let reward = columns.rewards[index]
        try beginRow(
            arm: arm, propensity: propensity, reward: reward, unit: columns.units?[index], estimates: estimates,
            time: columns.times?[index], number: number)
        for policy in policies.indices {
            let target = policies[policy].isLogged ? [] : columns.targets[policy][index * armCount..<(index + 1) * armCount]
            try add(policy: policy, target: target, arm: arm, propensity: propensity, reward: reward, estimates: estimates, number: number)
        }
        try segments?.add(index, of: columns, row: nextRow)
        endRow()
    }

    /// The row checks that need no policy, and the row's identity.
    private mutating func beginRow(
        arm: Int, propensity: Double, reward: Double, unit: UnitID?, estimates: ArraySlice<Double>?, time: Timestamp?, number: Int
    ) throws {
        guard arm >= 0, arm < armCount else { throw EvaluationError.unknownArm(row: number, arm: arm, armCount: armCount) }
        guard propensity > 0, propensity <= 1 else { throw EvaluationError.propensityOutOfRange(row: number, found: propensity) }
        guard reward.isFinite else { throw EvaluationError.rewardNotFinite(row: number) }
        if rewardModel != nil {
            guard let estimates else { throw EvaluationError.estimatesMissing(row: number) }
            guard estimates.count == armCount else {
                throw EvaluationError.estimatesWidth(row: number, expected: armCount, found: estimates.count)
            }
            for (index, value) in estimates.enumerated() where !value.isFinite {
                throw EvaluationError.estimateNotFinite(row: number, arm: index)
            }
        }
        let unitHash = options.clustering == .unit ? unit?.hash64 : nil
        let key =
            unitHash.map { PoissonWeights.key(seed: options.seed, unitHash: $0) }
            ?? PoissonWeights.key(seed: options.seed, row: nextRow)
        pending.begin(key: key, unit: unitHash)
        sums[0] += 1
        noteRow(arm: arm, propensity: propensity, reward: reward, unit: unitHash, key: key, estimates: estimates, time: time)
    }

    /// One policy's part of a row.
    private mutating func add(
        policy: Int, target: ArraySlice<Double>, arm: Int, propensity: Double, reward: Double, estimates: ArraySlice<Double>?, number: Int
    ) throws {
        var facts = RowFacts(weight: 1, reward: reward, modelValue: 0, modelEstimate: 0)
        if let estimates { facts.modelEstimate = estimates[estimates.startIndex + arm] }
        if policies[policy].isLogged && target.isEmpty {
            // The log holds only the chosen propensity: the arm itself stands in for the logging policy, an unbiased draw of it.
            facts.modelValue = facts.modelEstimate
        } else {
            guard target.count == armCount else {
                throw EvaluationError.targetWidth(row: number, policy: policies[policy].name, expected: armCount, found: target.count)
            }
            var total = 0.0
            var modelValue = 0.0
            for index in 0..<armCount {
                let probability = target[target.startIndex + index]
                guard probability >= 0, probability <= 1 + 1e-6 else {
                    throw EvaluationError.targetNotProbability(row: number, policy: policies[policy].name, arm: index, found: probability)
                }
                total += probability
                if let estimates { modelValue += probability * estimates[estimates.startIndex + index] }
            }
            guard abs(total - 1) <= 1e-6 else {
                throw EvaluationError.targetSum(row: number, policy: policies[policy].name, found: total)
            }
            facts.modelValue = modelValue
            if !policies[policy].isLogged { facts.weight = target[target.startIndex + arm] / propensity }
        }
        guard facts.weight <= Self.largestWeight else { throw EvaluationError.weightOverflow(row: number, policy: policies[policy].name) }
        let first = 1 + policy * terms.count
        for (index, term) in terms.enumerated() {
            let value = term.value(of: facts)
            sums[first + index] += value
            pending.append(value)
        }
        weights[policy].add(weight: facts.weight, hasReward: reward != 0, arm: arm, propensity: propensity)
        if !target.isEmpty { weights[policy].addTarget(target) }
        course.add(policy: policy, weight: facts.weight, residual: reward - facts.modelEstimate, modelValue: facts.modelValue)
    }

    private mutating func endRow() {
        rowCount += 1
        nextRow += 1
        if let unit = pending.lastUnit { units.add(unit: unit, row: pending.lastRow) }
    }

    private func check(_ propensities: [Double], of row: EvaluationRow, number: Int) throws {
        guard propensities.count == armCount else {
            throw EvaluationError.propensitiesWrong(row: number, expected: "\(armCount) of them, found \(propensities.count)")
        }
        var total = 0.0
        for p in propensities {
            guard p >= 0, p <= 1 else { throw EvaluationError.propensitiesWrong(row: number, expected: "numbers in 0...1, found \(p)") }
            total += p
        }
        guard abs(total - 1) <= 1e-6 else {
            throw EvaluationError.propensitiesWrong(row: number, expected: "a sum of 1 within 1e-6, found \(total)")
        }
        guard abs(propensities[row.arm] - (row.propensity ?? 0)) <= 1e-6 else {
            throw EvaluationError.propensitiesWrong(
                row: number, expected: "the chosen arm's to equal its propensity \(row.propensity ?? 0), found \(propensities[row.arm])")
        }
    }

    private func check(_ target: ArraySlice<Double>, eligible: [Int], policy: Int, number: Int) throws {
        for (arm, probability) in target.enumerated() where probability > 1e-6 && !eligible.contains(arm) {
            throw EvaluationError.targetOnIneligibleArm(row: number, policy: policies[policy].name, arm: arm)
        }
    }
}
