package import HaggleCore
import HaggleMath

/// How well estimated propensities foretell the arms of rows that they were not fitted to.
///
/// Every row gives one forecast per arm. Forecasts are sorted into ten bins of equal width by their probability; in a calibrated model the
/// arms of a bin were chosen as often as they were expected. Mergeable; O(arms) a row.
package struct PropensityCalibration: Hashable, Sendable {
    package struct Bin: Hashable, Sendable {
        /// Forecasts in the bin: pairs of a row and an eligible arm.
        package fileprivate(set) var count = 0
        /// Sum of the probabilities: how often the arms were expected.
        package fileprivate(set) var expected = 0.0
        /// How often they were chosen.
        package fileprivate(set) var observed = 0
        /// sum p (1 - p), the variance of `observed` if the forecasts are right and the rows independent.
        package fileprivate(set) var variance = 0.0

        /// (observed - expected) / sd; nil where every forecast was certain.
        package var deviation: Double? { variance > 0 ? (Double(observed) - expected) / variance.squareRoot() : nil }
    }

    /// Bin i holds probabilities in `i/10 ..< (i+1)/10`; the last also 1.
    package private(set) var bins = [Bin](repeating: Bin(), count: 10)
    /// Per arm, over all of its probabilities.
    package private(set) var arms: [Bin]
    /// Rows.
    package private(set) var rowCount = 0
    /// The least probability that a chosen arm had; 1 without rows.
    package private(set) var leastChosen = 1.0
    private var logLoss = CompensatedSum()
    private var evenLogLoss = CompensatedSum()

    package init(armCount: Int) { arms = [Bin](repeating: Bin(), count: armCount) }

    /// Adds a row that the model was not fitted to.
    /// - Parameters:
    ///   - distribution: the estimated propensities.
    ///   - eligible: the row's eligible arms.
    ///   - arm: the chosen one, eligible.
    package mutating func add(_ distribution: ArmDistribution, eligible: [Int], chosen arm: Int) {
        for candidate in eligible {
            let p = distribution[candidate]
            Self.add(p, candidate == arm, to: &bins[min(9, Int(p * 10))])
            Self.add(p, candidate == arm, to: &arms[candidate])
        }
        rowCount += 1
        leastChosen = min(leastChosen, distribution[arm])
        logLoss += -ElementaryFunctions.log(max(distribution[arm], 1e-300))
        evenLogLoss += ElementaryFunctions.log(Double(eligible.count))
    }

    /// Adds what was counted over other rows.
    package mutating func merge(_ other: Self) {
        precondition(other.arms.count == arms.count, "only calibrations over the same arms can be merged")
        for index in bins.indices { Self.merge(other.bins[index], into: &bins[index]) }
        for index in arms.indices { Self.merge(other.arms[index], into: &arms[index]) }
        rowCount += other.rowCount
        leastChosen = min(leastChosen, other.leastChosen)
        logLoss.merge(other.logLoss)
        evenLogLoss.merge(other.evenLogLoss)
    }

    /// Mean of -log of the chosen arm's probability; nil without rows.
    package var meanLogLoss: Double? { rowCount > 0 ? logLoss.value / Double(rowCount) : nil }

    /// The share of the even policy's log loss that the model takes away: 0 knows nothing, 1 foretells every choice, below 0 misleads.
    package var explainedShare: Double? { evenLogLoss.value > 0 ? 1 - logLoss.value / evenLogLoss.value : nil }

    /// Mean distance of expected and observed share over the bins, each with the weight of its forecasts (expected calibration error);
    /// nil without rows.
    package var calibrationError: Double? {
        let total = bins.reduce(0) { $0 + $1.count }
        guard total > 0 else { return nil }
        return bins.reduce(0) { $0 + abs($1.expected - Double($1.observed)) } / Double(total)
    }

    private static func add(_ p: Double, _ isChosen: Bool, to bin: inout Bin) {
        bin.count += 1
        bin.expected += p
        bin.observed += isChosen ? 1 : 0
        bin.variance += p * (1 - p)
    }

    private static func merge(_ other: Bin, into bin: inout Bin) {
        bin.count += other.count
        bin.expected += other.expected
        bin.observed += other.observed
        bin.variance += other.variance
    }
}
