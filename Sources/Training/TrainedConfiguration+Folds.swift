import Evaluation
import HaggleCore
import HaggleMath
import NeuralNetwork
import Reporting

extension TrainedConfiguration {
    /// Puts the folds of one model together.
    init(number: Int, settings: [ModelGrid.Combination.Setting], folds: [FoldOutcome]) {
        let losses = folds.map(\.loss)
        let known = losses.compactMap { $0 }
        let isWhole = known.count == folds.count && !folds.isEmpty
        let moments = FoldMean(known)
        let slopes = FoldMean(folds.compactMap { $0.calibration?.slope })
        self.init(
            number: number, settings: settings.map { Setting(key: $0.key, value: $0.text) }, loss: isWhole ? moments.mean : nil,
            lossError: isWhole ? moments.error : nil, foldLosses: losses, seconds: folds.reduce(0) { $0 + $1.seconds },
            bestEpochs: folds.compactMap(\.bestEpoch), remarks: Self.remarks(folds),
            calibration: isWhole ? CalibrationSums.bins(folds.compactMap(\.calibration)) : [], slope: isWhole ? slopes.mean : nil,
            slopeError: isWhole ? slopes.error : nil, value: isWhole ? Self.value(folds) : nil, passes: Self.passes(folds))
    }

    private static func remarks(_ folds: [FoldOutcome]) -> [String] {
        var remarks: [String] = []
        for (index, fold) in folds.enumerated() {
            if let epoch = fold.divergedAt {
                remarks.append(
                    fold.loss == nil
                        ? "fold \(index + 1): diverged in pass \(epoch)"
                        : "fold \(index + 1): diverged in pass \(epoch), the network of pass \(fold.bestEpoch ?? 0) was kept")
            }
            if let failure = fold.failure { remarks.append("fold \(index + 1): \(failure)") }
        }
        let means = folds.filter(\.isMeans).count
        if means > 0 { remarks.append("\(means) of \(folds.count) folds had too few rows for a network: each arm's mean stood in") }
        return remarks
    }

    private static func passes(_ folds: [FoldOutcome]) -> [Pass] {
        let longest = folds.map(\.epochs.count).max() ?? 0
        return (0..<longest).map { index in
            let reached = folds.filter { $0.epochs.count > index }.map { $0.epochs[index] }
            let judged = FoldMean(reached.compactMap(\.validationLoss))
            return Pass(
                epoch: index + 1, trainingLoss: FoldMean(reached.map(\.trainingLoss)).mean ?? 0, judgingLoss: judged.mean,
                judgingError: judged.error, folds: reached.count)
        }
    }

    /// The off-policy value over all folds; nil where a fold has none.
    private static func value(_ folds: [FoldOutcome]) -> GreedyValue? {
        var sums = ValueSums()
        for fold in folds {
            guard let part = fold.value else { return nil }
            sums.merge(part)
        }
        var reasons: [String] = []
        if sums.effectiveSampleSize < 50 {
            reasons.append(
                "the weighted log is worth only \(Int(sums.effectiveSampleSize)) of its \(Int(sums.rows)) rows (at least 50 are needed)")
        }
        if sums.largestWeightShare > 0.2 {
            reasons.append("one row carries \(Int(100 * sums.largestWeightShare)) % of all weight (at most 20 % is allowed)")
        }
        let isSupported = reasons.isEmpty
        let isWeak = isSupported && sums.effectiveSampleSize < 0.01 * sums.rows
        if isWeak { reasons.append("the weighted log is worth less than 1 % of its rows") }
        let estimates = [("DR", sums.doublyRobust), ("SNIPS", sums.selfNormalised)].map { name, found in
            let half = (found?.error ?? 0) * NormalDistribution.quantile(0.975)
            return Estimate(
                estimator: name, parameters: [:], value: isSupported ? found?.value : nil, standardError: isSupported ? found?.error : nil,
                intervals: !isSupported
                    ? []
                    : found.map {
                        [
                            Interval(
                                method: .normal, level: 0.95, lower: $0.value - half, upper: $0.value + half,
                                assumptions: "the logged propensities are right; units are independent; many rows")
                        ]
                    } ?? [], isWithheld: !isSupported)
        }
        return GreedyValue(
            verdict: isSupported ? isWeak ? .weak : .supported : .unsupported, reasons: reasons,
            effectiveSampleSize: sums.effectiveSampleSize, estimates: estimates)
    }
}

extension ModelSearchReport {
    /// Sorts the configurations by loss and says how far each is behind the best, fold by fold.
    mutating func rank() {
        configurations.sort { ($0.loss ?? .infinity, $0.number) < ($1.loss ?? .infinity, $1.number) }
        guard let best, best.loss != nil else { return }
        for index in configurations.indices where configurations[index].loss != nil && configurations[index].number != best.number {
            let differences = FoldMean(
                zip(configurations[index].foldLosses, best.foldLosses).compactMap { pair in
                    pair.0.flatMap { own in pair.1.map { own - $0 } }
                })
            configurations[index].behind = differences.mean
            configurations[index].behindError = differences.error
        }
    }
}

/// Mean over folds and its standard error sd / sqrt(folds), ddof 1.
///
/// The folds' training rows overlap, so the error is a little too small; nobody has an unbiased one (Bengio & Grandvalet 2004).
struct FoldMean {
    /// Nil without folds.
    let mean: Double?
    /// Nil with fewer than two.
    let error: Double?

    init(_ values: [Double]) {
        guard !values.isEmpty else {
            (mean, error) = (nil, nil)
            return
        }
        let count = Double(values.count)
        let mean = values.reduce(0, +) / count
        self.mean = mean
        let squares = values.reduce(0) { $0 + ($1 - mean) * ($1 - mean) }
        error = values.count < 2 ? nil : (squares / (count - 1) / count).squareRoot()
    }
}
