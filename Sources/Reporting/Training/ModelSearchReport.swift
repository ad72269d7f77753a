package import Evaluation

/// What `haggle train` found: every configuration of the grid with its losses over the folds, best first.
package struct ModelSearchReport: Hashable, Sendable, Codable {
    /// What was trained on: the experiment or the file.
    package var title: String
    package var rowCount: Int
    package var armCount: Int
    package var folds: Int
    /// `unit` or `time`.
    package var split: String
    package var seed: UInt64
    /// Digest of the rows.
    package var data: String
    /// Variance of all rewards: what losses are in units of.
    package var rewardVariance: Double
    package var metric: String?
    package var currency: String?
    /// Folds that were found in the state and not computed again.
    package var resumedCount: Int
    /// What a reader has to know about the rows: one sentence each.
    package var warnings: [String]
    /// By validation loss; those that could not be trained on every fold last.
    package var configurations: [TrainedConfiguration]

    package init(
        title: String, rowCount: Int, armCount: Int, folds: Int, split: String, seed: UInt64, data: String, rewardVariance: Double,
        metric: String? = nil, currency: String? = nil, resumedCount: Int = 0, warnings: [String] = [],
        configurations: [TrainedConfiguration] = []
    ) {
        self.title = title
        self.rowCount = rowCount
        self.armCount = armCount
        self.folds = folds
        self.split = split
        self.seed = seed
        self.data = data
        self.rewardVariance = rewardVariance
        self.metric = metric
        self.currency = currency
        self.resumedCount = resumedCount
        self.warnings = warnings
        self.configurations = configurations
    }

    /// The configuration with the least loss; nil where none could be trained on every fold.
    package var best: TrainedConfiguration? { configurations.first { $0.loss != nil } }

    private enum CodingKeys: String, CodingKey {
        case title
        case rowCount = "n"
        case armCount = "arms"
        case folds, split, seed, data
        case rewardVariance = "reward_variance"
        case metric, currency
        case resumedCount = "resumed_folds"
        case warnings, configurations
    }
}

/// One configuration of a grid over all folds.
package struct TrainedConfiguration: Hashable, Sendable, Codable {
    /// A key of the model that the grid varies, and its value as YAML.
    package struct Setting: Hashable, Sendable, Codable {
        package var key: String
        package var value: String

        package init(key: String, value: String) {
            self.key = key
            self.value = value
        }
    }

    /// Mean losses of one pass over the folds that reached it, as the model's own loss measures them.
    package struct Pass: Hashable, Sendable, Codable {
        package var epoch: Int
        package var trainingLoss: Double
        /// On the newest slice of each fold's training rows; null where no rows judged.
        package var judgingLoss: Double?
        /// Standard error of that mean over the folds; null with fewer than two.
        package var judgingError: Double?
        package var folds: Int

        package init(epoch: Int, trainingLoss: Double, judgingLoss: Double?, judgingError: Double?, folds: Int) {
            self.epoch = epoch
            self.trainingLoss = trainingLoss
            self.judgingLoss = judgingLoss
            self.judgingError = judgingError
            self.folds = folds
        }

        private enum CodingKeys: String, CodingKey {
            case epoch
            case trainingLoss = "training_loss"
            case judgingLoss = "judging_loss"
            case judgingError = "judging_loss_standard_error"
            case folds
        }
    }

    /// Position in the grid, from 1.
    package var number: Int
    /// Empty for a grid of one.
    package var settings: [Setting]
    /// Mean over the folds of the mean squared error of held-out rows, in variances of the reward; null where a fold has no model.
    package var loss: Double?
    /// Its standard error over the folds.
    package var lossError: Double?
    package var foldLosses: [Double?]
    /// Loss minus that of the best, and the standard error of that difference, fold by fold; null for the best itself.
    package var behind: Double?
    package var behindError: Double?
    /// Training time of all folds together.
    package var seconds: Double
    /// The pass that was kept, fold by fold; empty for a model without passes.
    package var bestEpochs: [Int]
    /// What happened to folds that have no model, or an unusual one.
    package var remarks: [String]
    package var calibration: [CalibrationBin]
    /// Mean over folds of the slope of rewards on estimates, and its standard error; 1 is right.
    package var slope: Double?
    package var slopeError: Double?
    /// Of the model's greedy policy on held-out rows; null for a log without propensities.
    package var value: GreedyValue?
    package var passes: [Pass]

    package init(
        number: Int, settings: [Setting], loss: Double?, lossError: Double?, foldLosses: [Double?], behind: Double? = nil,
        behindError: Double? = nil, seconds: Double, bestEpochs: [Int], remarks: [String], calibration: [CalibrationBin], slope: Double?,
        slopeError: Double?, value: GreedyValue?, passes: [Pass]
    ) {
        self.number = number
        self.settings = settings
        self.loss = loss
        self.lossError = lossError
        self.foldLosses = foldLosses
        self.behind = behind
        self.behindError = behindError
        self.seconds = seconds
        self.bestEpochs = bestEpochs
        self.remarks = remarks
        self.calibration = calibration
        self.slope = slope
        self.slopeError = slopeError
        self.value = value
        self.passes = passes
    }

    /// `hidden: [64, 32], loss: huber`; `as in the file` for a grid of one.
    package var name: String {
        settings.isEmpty ? "as in the file" : settings.map { "\($0.key): \($0.value)" }.joined(separator: ", ")
    }

    private enum CodingKeys: String, CodingKey {
        case number, settings, loss
        case lossError = "loss_standard_error"
        case foldLosses = "fold_losses"
        case behind
        case behindError = "behind_standard_error"
        case seconds
        case bestEpochs = "best_epochs"
        case remarks, calibration
        case slope = "calibration_slope"
        case slopeError = "calibration_slope_standard_error"
        case value, passes
    }
}

/// What the policy that always takes the model's best arm would have earned on rows that the model had not seen.
package struct GreedyValue: Hashable, Sendable, Codable {
    package var verdict: Verdict
    /// Why, where it is not `supported`.
    package var reasons: [String]
    package var effectiveSampleSize: Double
    /// DR and SNIPS; values of an unsupported policy are withheld.
    package var estimates: [Estimate]

    package init(verdict: Verdict, reasons: [String], effectiveSampleSize: Double, estimates: [Estimate]) {
        self.verdict = verdict
        self.reasons = reasons
        self.effectiveSampleSize = effectiveSampleSize
        self.estimates = estimates
    }

    private enum CodingKeys: String, CodingKey {
        case verdict, reasons
        case effectiveSampleSize = "effective_sample_size"
        case estimates
    }
}
