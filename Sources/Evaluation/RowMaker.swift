import HaggleCore

/// Turns interactions into evaluation rows: asks the policies, fits and asks reward models, weighs snapshots.
struct RowMaker: Sendable {
    private let policies: [EvaluatedPolicy]
    private let armCount: Int
    private let options: EvaluationOptions
    private let trainer: (any RewardModelTrainer)?
    /// What the estimators need beside the plain facts of a row.
    private let inputs: Set<RowInput>
    private var sample: FittingSample
    private var model: CrossFittedModel?
    /// For each policy, with nil for the logging one.
    private var robustModels: [CrossFittedModel?] = []
    private var past: PastOnlyFitting?
    private var weights: AdaptiveWeights?
    private var mixture: MixturePropensities?

    init(
        policies: [EvaluatedPolicy], armCount: Int, options: EvaluationOptions, inputs: Set<RowInput>,
        trainer: (any RewardModelTrainer)?, snapshots: [SnapshotVersion: any Policy]
    ) {
        self.policies = policies
        self.armCount = armCount
        self.options = options
        self.inputs = inputs
        self.trainer = trainer
        sample = FittingSample(capacity: options.fittingRows, seed: options.seed)
        if inputs.contains(.pastEstimates) || options.fitting == .pastOnly {
            past = PastOnlyFitting(trainer, armCount: armCount, sampleCapacity: options.fittingRows, seed: options.seed)
        }
        if inputs.contains(.snapshotVariances) {
            weights = AdaptiveWeights(policies: policies, armCount: armCount, snapshots: snapshots, seed: options.seed)
        }
        if inputs.contains(.balancedPropensity) { mixture = MixturePropensities(snapshots: snapshots, armCount: armCount) }
    }

    /// Whether `prepare` must see every row before `row` is asked for the first.
    var needsFirstPass: Bool { fitsAcrossFolds || inputs.contains(.robustEstimates) || mixture != nil }

    private var fitsAcrossFolds: Bool { trainer != nil && options.fitting == .crossFitted }

    /// First pass.
    mutating func prepare(_ interaction: Interaction, row: Int) {
        if fitsAcrossFolds || inputs.contains(.robustEstimates) { sample.offer(interaction, row: row) }
        mixture?.count(interaction)
    }

    /// Between the passes.
    mutating func fit() throws {
        mixture?.close()
        let folds = CrossFitting(foldCount: options.folds, seed: options.seed)
        if fitsAcrossFolds, let trainer { model = try folds.fit(trainer, on: sample, armCount: armCount) }
        if inputs.contains(.robustEstimates) {
            guard let trainer else { throw EvaluationError.estimatorNeedsRewardModel("MRDR") }
            for policy in policies {
                guard case .computed(let computed) = policy.target else {
                    robustModels.append(nil)
                    continue
                }
                let weight = { [armCount] (row: Interaction) in Self.robustWeight(row, computed, armCount: armCount) }
                robustModels.append(try folds.fit(trainer, on: sample, armCount: armCount, weight: weight))
            }
        }
        // Fitted; the rows are not needed any more.
        sample = FittingSample(capacity: options.fittingRows, seed: options.seed)
    }

    /// An interaction with every policy's distribution and the estimates that the estimators ask for.
    mutating func row(of interaction: Interaction, index: Int) throws -> EvaluationRow {
        let eligible = interaction.eligible ?? Array(0..<armCount)
        let targets = policies.map { policy -> [Double] in
            guard case .computed(let computed) = policy.target else { return [] }
            return computed.distribution(over: eligible, in: interaction.context).probabilities
        }
        var row = EvaluationRow(
            arm: interaction.arm, propensity: interaction.propensity, reward: interaction.reward, unit: interaction.unit, targets: targets,
            propensities: interaction.propensities, eligible: interaction.eligible, snapshot: interaction.snapshot,
            time: interaction.time)
        row.pastEstimates = try past?.score(interaction)
        if trainer != nil {
            row.estimates =
                options.fitting == .pastOnly
                ? row.pastEstimates : model?.estimates(context: interaction.context, unit: interaction.unit, row: index)
        }
        if inputs.contains(.robustEstimates) {
            row.robustEstimates = robustModels.map { $0?.estimates(context: interaction.context, unit: interaction.unit, row: index) ?? [] }
        }
        row.snapshotVariances = weights?.variances(of: interaction)
        row.balancedPropensity = mixture?.propensity(of: interaction)
        return row
    }

    /// pi(a|x) (1 - p) / p^2: the weight under which least squares minimise the variance of DR for the policy (Farajtabar, Chow & Ghavamzadeh
    /// 2018; exact for deterministic policies). 0 for a row that will be refused for its propensity.
    private static func robustWeight(_ interaction: Interaction, _ policy: any Policy, armCount: Int) -> Double {
        guard let p = interaction.propensity, p > 0, p <= 1 else { return 0 }
        let target = policy.distribution(over: interaction.eligible ?? Array(0..<armCount), in: interaction.context)[interaction.arm]
        return target * (1 - p) / (p * p)
    }
}
