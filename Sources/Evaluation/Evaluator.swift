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
    package internal(set) var options: EvaluationOptions
    /// The name of the reward model whose estimates the rows carry; nil without one.
    package let rewardModel: String?
    /// What is computed for every policy.
    package let estimators: [any Estimator]

    /// Rows so far, those of merged parts included.
    package internal(set) var rowCount = 0

    /// The distinct terms of the estimators, collected for each policy.
    var terms: [Term] { plan.terms }
    var plan: TermPlan
    /// One per bandwidth of the plan.
    let kernels: [DiscountKernel]
    /// Sums of the columns: column 0 is 1 for every row, then each policy's terms.
    var sums: [CompensatedSum]
    var rowsWithUnit: CoMoments
    var rowsWithoutUnit: CoMoments
    var units: UnitSums
    var weights: [WeightStatistics]
    var log: LogStatistics
    var course: EstimateCourse
    var bootstrap: Bootstrap?
    /// For each policy how weights and rewards are distributed; empty where no estimator asks.
    var distributions: [WeightDistribution]
    /// The same sums as `sums` fold by fold, for cross-validated choices; nil where no estimator asks.
    var folds: FoldSums?
    /// The smallest and the largest propensity, where an estimator rests on their being equal.
    var propensityRange: ClosedRange<Double>?
    /// The same for each value of what the log is split by; nil where it is not split.
    var segments: SegmentTable?
    /// What was declared about rewards.
    var bounds: DeclaredBounds
    /// Only where an interval that holds at all times was asked for.
    var sequences: PolicySequences?
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
        nextRow = firstRow
        sums = [CompensatedSum](repeating: CompensatedSum(), count: width)
        rowsWithUnit = CoMoments(width: width)
        rowsWithoutUnit = CoMoments(width: width)
        units = UnitSums(width: width, limit: options.clusterLimit)
        weights = [WeightStatistics](repeating: WeightStatistics(armCount: armCount), count: policies.count)
        let needsDistribution = estimators.contains { $0.needsWeightDistribution }
        distributions = needsDistribution ? [WeightDistribution](repeating: WeightDistribution(), count: policies.count) : []
        if estimators.contains(where: \.needsFolds) { folds = FoldSums(policyCount: policies.count, termCount: terms.count) }
        log = LogStatistics(armCount: armCount)
        course = EstimateCourse(policyCount: policies.count, hasModel: rewardModel != nil)
        if options.intervals.contains(.bootstrap) { bootstrap = Bootstrap(replicateCount: options.resamples, width: width - 1) }
        pending = PendingRows(width: width)
        if options.segmentBy != nil {
            var part = options
            part.segmentBy = nil
            // Segments of parts are merged, which intervals that need the order of rows do not survive.
            part.intervals.removeAll { $0 == .anytime }
            part.clusterLimit = min(4096, options.clusterLimit)
            segments = SegmentTable(
                empty: try Evaluator(policies: policies, armCount: armCount, options: part, rewardModel: rewardModel))
        }
    }
}
