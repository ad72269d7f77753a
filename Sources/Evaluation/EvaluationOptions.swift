/// How an evaluation is done; the defaults are what `haggle evaluate` does without flags.
package struct EvaluationOptions: Sendable {
    /// What standard errors and resampling treat as one observation.
    package enum Clustering: Sendable {
        /// The unit where units recur, else the row.
        case unit
        /// Always the row, for logs whose unit column is not what was randomised.
        case row
    }

    /// Which rows a reward model may have seen when it scores a row.
    package enum Fitting: String, Sendable, CaseIterable {
        /// All but those of the row's fold.
        case crossFitted = "cross-fitted"
        /// Earlier rows only, for logs whose policy learned from its own rows. Where rows bring their estimates themselves, it says that
        /// these were made so.
        case pastOnly = "past-only"
    }

    /// Nil: the standard panel, with DM and DR where there is a reward model.
    package var estimators: [any Estimator]?
    /// In the order of the report.
    package var intervals: [Interval.Method]
    /// Confidence level of the intervals, in 0..<1.
    package var level: Double
    /// Number of bootstrap replicates.
    package var resamples: Int
    /// Seed of the bootstrap and of the cross-fitting folds.
    package var seed: UInt64
    package var clustering: Clustering
    /// What the report calls the unit: `unit`, or the column of a file.
    package var unitName: String
    /// Whether estimates that the verdict calls unsupported are shown all the same.
    package var isForced: Bool
    /// Folds of the cross-fitted reward model.
    package var folds: Int
    package var fitting: Fitting
    /// Rows that a reward model is fitted on at most, a random sample by unit: memory does not grow beyond it.
    package var fittingRows: Int
    /// Threads of the bootstrap.
    package var threadCount: Int
    /// Passed through to the report: rows that the caller left out, by reason.
    package var excluded: [String: Int]
    /// Bounds that rewards cannot leave, as declared (`reward.range`, `--reward-range`), never taken from the sample; nil: not declared.
    package var rewardRange: ClosedRange<Double>?
    /// The largest importance weight that can occur, declared from the logging floor (1 / floor); nil: not declared.
    package var weightBound: Double?
    /// The arms' keys, for the report and for errors.
    package var armNames: [String]
    /// The arms' discounts, for kernels over the depth; nil where an arm has none.
    package var discounts: [Double]?
    /// The arms' categories (`features` of an arm), for marginalised weights: arms with one number are alike; nil: not given.
    package var armCategories: [Int]?
    /// Whether the propensities were logged or estimated.
    package var propensities: PropensitySource
    /// The attribution window, to tell whether those of a unit overlap; nil: not known, not checked.
    package var windowSeconds: Double?
    /// The most clusters of units that are told apart; see `UnitSums`.
    package var clusterLimit: Int
    /// What `EvaluationRow.segment` is a value of: a feature or a column; nil: the log is not split.
    package var segmentBy: String?

    package init(
        estimators: [any Estimator]? = nil, intervals: [Interval.Method] = [.normal], level: Double = 0.95, resamples: Int = 1000,
        seed: UInt64 = 1, clustering: Clustering = .unit, unitName: String = "unit", isForced: Bool = false, folds: Int = 5,
        fitting: Fitting = .crossFitted, fittingRows: Int = 200_000,
        threadCount: Int = 2, excluded: [String: Int] = [:],
        rewardRange: ClosedRange<Double>? = nil, weightBound: Double? = nil, armNames: [String] = [], discounts: [Double]? = nil,
        armCategories: [Int]? = nil, propensities: PropensitySource = .logged,
        windowSeconds: Double? = nil, clusterLimit: Int = 65_536, segmentBy: String? = nil
    ) {
        self.estimators = estimators
        self.intervals = intervals
        self.level = level
        self.resamples = resamples
        self.seed = seed
        self.clustering = clustering
        self.unitName = unitName
        self.isForced = isForced
        self.folds = folds
        self.fitting = fitting
        self.fittingRows = fittingRows
        self.threadCount = threadCount
        self.excluded = excluded
        self.rewardRange = rewardRange
        self.weightBound = weightBound
        self.armNames = armNames
        self.discounts = discounts
        self.armCategories = armCategories
        self.propensities = propensities
        self.windowSeconds = windowSeconds
        self.clusterLimit = clusterLimit
        self.segmentBy = segmentBy
    }

    /// - Throws: `EvaluationError.badOption` for a value that no evaluation can use.
    func validate() throws(EvaluationError) {
        guard level > 0, level < 1 else { throw .badOption(name: "level", expected: "a number between 0 and 1", found: "\(level)") }
        guard (1...100_000).contains(resamples) else {
            throw .badOption(name: "resamples", expected: "a count in 1...100000", found: "\(resamples)")
        }
        guard (2...100).contains(folds) else { throw .badOption(name: "folds", expected: "a count in 2...100", found: "\(folds)") }
        guard (1...256).contains(threadCount) else {
            throw .badOption(name: "threads", expected: "a count in 1...256", found: "\(threadCount)")
        }
        guard (1024...65_536).contains(clusterLimit) else {
            throw .badOption(name: "clusters", expected: "a count in 1024...65536", found: "\(clusterLimit)")
        }
        if let windowSeconds, !(windowSeconds > 0 && windowSeconds.isFinite) {
            throw .badOption(name: "attribution window", expected: "a number of seconds above 0", found: "\(windowSeconds)")
        }
        if let estimators, estimators.isEmpty { throw .badOption(name: "estimators", expected: "at least one", found: "none") }
        guard fittingRows > 0 else { throw .badOption(name: "fitting rows", expected: "a count above 0", found: "\(fittingRows)") }
        try validateIntervals()
    }
}
