import HaggleCore
import HaggleMath

/// Reads a log once and estimates what other policies would have earned on it.
///
/// Rows stream through; what is kept are sums (per policy: of each estimator's terms, their co-moments, and the weights' diagnostics), one
/// row of sums per *unit* where the log names units, and one row of sums per bootstrap replicate. Evaluators of disjoint parts of a log
/// `merge` into the evaluator of the whole, to rounding.
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

    /// Rows so far.
    package internal(set) var rowCount = 0

    /// The distinct terms of the estimators, collected for each policy.
    var terms: [Term] { plan.terms }
    var plan: TermPlan
    /// One per bandwidth of the plan.
    let kernels: [DiscountKernel]
    /// Sums of the columns: column 0 is 1 for every row, then each policy's terms.
    var sums: [CompensatedSum]
    private(set) var rowsWithUnit: CoMoments
    private(set) var rowsWithoutUnit: CoMoments
    var units: UnitSums
    var weights: [WeightStatistics]
    /// For each policy how weights and rewards are distributed; empty where no estimator asks.
    var distributions: [WeightDistribution]
    /// The same sums fold by fold, for cross-validated choices; nil where no estimator asks.
    var folds: FoldSums?
    var armFrequencies: ArmFrequencies
    private(set) var bootstrap: Bootstrap?
    /// The propensity that all rows share, where an estimator rests on that.
    var constantPropensity: Double?
    /// What was declared about rewards.
    var bounds: DeclaredBounds
    /// Only where an interval that holds at all times was asked for.
    var sequences: PolicySequences?
    let firstRow: Int
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
        let estimators = try (options.estimators ?? EstimatorPanel.standard(withRewardModel: rewardModel != nil)).map {
            try $0.configured(for: options, armCount: armCount)
        }
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
        plan = TermPlan(terms: terms)
        let discounts = options.discounts ?? []
        kernels = plan.bandwidths.map { DiscountKernel(bandwidth: $0, discounts: discounts) }
        bounds = DeclaredBounds(rewardRange: options.rewardRange)
        if options.intervals.contains(.anytime), let range = options.rewardRange {
            sequences = PolicySequences(
                rewardRange: range, weightBound: options.weightBound, policyCount: policies.count, level: options.level)
        }
        self.firstRow = firstRow
        sums = [CompensatedSum](repeating: CompensatedSum(), count: width)
        rowsWithUnit = CoMoments(width: width)
        rowsWithoutUnit = CoMoments(width: width)
        units = UnitSums(width: width)
        weights = [WeightStatistics](repeating: WeightStatistics(), count: policies.count)
        let needsDistribution = estimators.contains { $0.needsWeightDistribution }
        distributions = needsDistribution ? [WeightDistribution](repeating: WeightDistribution(), count: policies.count) : []
        if estimators.contains(where: \.needsFolds) { folds = FoldSums(policyCount: policies.count, termCount: terms.count) }
        armFrequencies = ArmFrequencies(armCount: armCount)
        if options.intervals.contains(.bootstrap) {
            bootstrap = Bootstrap(replicateCount: options.resamples, width: width - 1, threadCount: options.threadCount)
        }
        pending = PendingRows(width: width)
    }

    /// Adds another part of the same log, evaluated with the same policies and options.
    /// - Throws: `EvaluationError.cannotMerge` where they differ.
    package mutating func merge(_ other: Self) async throws {
        guard policies.map(\.name) == other.policies.map(\.name) else { throw EvaluationError.cannotMerge("they evaluate other policies") }
        guard armCount == other.armCount else { throw EvaluationError.cannotMerge("they have other numbers of arms") }
        guard terms == other.terms, options.resamples == other.options.resamples, options.seed == other.options.seed,
            options.threadCount == other.options.threadCount, options.clustering == other.options.clustering,
            options.weightBound == other.options.weightBound, (bootstrap == nil) == (other.bootstrap == nil)
        else { throw EvaluationError.cannotMerge("they were made with other options") }
        if let ours = constantPropensity, let theirs = other.constantPropensity, abs(ours - theirs) > 1e-9 * ours {
            throw EvaluationError.cannotMerge("Replay without a bound needs the same propensity in all rows, found \(ours) and \(theirs)")
        }
        constantPropensity = constantPropensity ?? other.constantPropensity
        guard sequences == nil, other.sequences == nil else {
            throw EvaluationError.cannotMerge("an anytime interval needs the rows in one pass, in the order of the log")
        }
        bounds.merge(other.bounds)
        var other = other
        await flush()
        await other.flush()
        rowCount += other.rowCount
        for index in sums.indices { sums[index].merge(other.sums[index]) }
        rowsWithUnit.merge(other.rowsWithUnit)
        rowsWithoutUnit.merge(other.rowsWithoutUnit)
        units.merge(other.units)
        for index in weights.indices { weights[index].merge(other.weights[index]) }
        for index in distributions.indices { distributions[index].merge(other.distributions[index]) }
        if let theirs = other.folds { folds?.merge(theirs) }
        armFrequencies.merge(other.armFrequencies)
        if let theirs = other.bootstrap { bootstrap?.merge(theirs) }
    }

    /// Moves the rows that wait for a full batch into the sums.
    mutating func flush() async {
        let batch = pending
        pending = PendingRows(width: batch.width)
        guard batch.rowCount > 0 else { return }
        for range in batch.runs {
            var start = range.rows.lowerBound
            while start < range.rows.upperBound {
                let end = min(start + 512, range.rows.upperBound)
                let rows = batch.columns[start * batch.width..<end * batch.width]
                if range.haveUnits {
                    rowsWithUnit.add(rows: rows, rowCount: end - start)
                } else {
                    rowsWithoutUnit.add(rows: rows, rowCount: end - start)
                }
                start = end
            }
        }
        await bootstrap?.add(keys: batch.keys, columns: batch.columns)
    }
}
