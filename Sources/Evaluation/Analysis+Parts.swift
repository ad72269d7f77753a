import HaggleMath

/// The parts of the report that no estimator makes.
extension Analysis {
    /// The diagnostics of a policy, with what is known of the whole log.
    func diagnostics(of policy: Int, meanWeightZ: Double?, disagreement: Double?, frequencies: ArmFrequencyCheck?) -> Diagnostics {
        var diagnostics = evaluator.weights[policy].diagnostics(rowCount: evaluator.rowCount)
        diagnostics.meanWeightZ = meanWeightZ
        diagnostics.estimatorDisagreement = disagreement
        diagnostics.armFrequencies = frequencies
        diagnostics.calibration = evaluator.log.calibration.line()
        diagnostics.estimatesOutsideRange = evaluator.log.calibration.outsideShare
        diagnostics.overlappingWindowShare = evaluator.overlappingWindowShare
        return diagnostics
    }

    /// What the verdict says its reasons with.
    func evidence(of policy: Int, disagreeing: [String]) -> VerdictEvidence {
        let weights = evaluator.weights[policy]
        let overlap = overlap(of: policy)
        return VerdictEvidence(
            rowCount: evaluator.rowCount, unitCount: evaluator.clusterUnitCount(isClustered: isClustered),
            arms: overlap.indices.map { arm in
                VerdictEvidence.Arm(
                    name: overlap[arm].arm, loggedShare: overlap[arm].loggedShare,
                    meanPropensity: overlap[arm].meanPropensity ?? overlap[arm].loggedShare, targetShare: overlap[arm].targetShare,
                    impossibleMass: weights.checkableRowCount > 0
                        ? weights.arms[arm].impossible.value / Double(weights.checkableRowCount) : 0,
                    weightSquares: weights.arms[arm].weightSquares.value)
            },
            heaviestArm: evaluator.armName(weights.heaviest.arm), heaviestPropensity: weights.heaviest.propensity,
            weightSum: weights.sum.value, weightSquareSum: weights.sumOfSquares.value,
            hasEstimatedPropensities: evaluator.options.propensities == .estimated, disagreeingEstimators: disagreeing)
    }

    /// How a policy and the log share the arms.
    func overlap(of policy: Int) -> [ArmOverlap] {
        let log = evaluator.log
        let weights = evaluator.weights[policy]
        return (0..<evaluator.armCount).map { arm in
            let isLogged = log.arms[arm].rowCount > 0
            let used = weights.arms[arm]
            return ArmOverlap(
                arm: evaluator.armName(arm), loggedShare: Double(log.arms[arm].rowCount) / Double(evaluator.rowCount),
                meanPropensity: log.fullRowCount > 0 ? log.arms[arm].propensities.value / Double(log.fullRowCount) : nil,
                smallestPropensity: isLogged ? log.arms[arm].smallestPropensity : nil,
                targetShare: weights.targetRowCount > 0 ? used.target.value / Double(weights.targetRowCount) : nil,
                effectiveSampleSize: WeightStatistics.effectiveSize(used.weight.value, used.weightSquares.value))
        }
    }

    /// The largest |V_i - V_j| / max(SE_i, SE_j) over the estimators that do not trade bias on purpose, and which two those are.
    func disagreement(_ scores: [Score]) -> (largest: Double, estimators: [String])? {
        let compared = zip(evaluator.estimators, scores).filter { $0.isConsistent && $1.value.isFinite }
        guard compared.count >= 2 else { return nil }
        var largest = 0.0
        var names: [String] = []
        for (index, one) in compared.enumerated() {
            for other in compared[..<index] {
                let gap = abs(one.1.value - other.1.value)
                let error = max(one.1.standardError ?? 0, other.1.standardError ?? 0)
                // Values that differ by rounding only do not disagree, however small their errors.
                // Of pairs that are as far apart up to rounding, the first is named, however the sums were put together.
                guard error > 0, gap > 1e-9 * max(abs(one.1.value), abs(other.1.value)), gap / error > largest * (1 + 1e-9) else {
                    continue
                }
                largest = gap / error
                names = [other.0.name, one.0.name]
            }
        }
        return (largest, names)
    }
}

extension Evaluator {
    /// Rows are put together by unit where units recur; once they are in buckets a sample of them tells whether they do.
    var unitsRecur: Bool { units.recur ?? log.unitSample.recur }

    /// Share of units with overlapping attribution windows; nil where that cannot be told.
    var overlappingWindowShare: Double? { options.windowSeconds.flatMap { log.unitSample.shareOfUnitsCloser(than: $0) } }

    /// The arm's key, or its position where keys are not known.
    func armName(_ arm: Int) -> String { arm < options.armNames.count ? options.armNames[arm] : "\(arm)" }

    /// How many units (and rows without one) the errors rest on, where they are clustered by unit.
    func clusterUnitCount(isClustered: Bool) -> Double? {
        guard isClustered else { return nil }
        let unitCount = units.isCollapsed ? log.unitSample.estimatedUnitCount : Double(units.units.count)
        return unitCount + Double(rowsWithoutUnit.rowCount)
    }

    /// What a reader has to know whatever the policy: one sentence each.
    func warnings(frequencies: ArmFrequencyCheck?) -> [String] {
        var warnings: [String] = []
        if options.propensities == .estimated {
            warnings.append(
                "the propensities were estimated from the log, not logged when arms were drawn: every estimate here may be biased by whatever "
                    + "their model misses, and no interval contains that error")
        }
        if let frequencies, !frequencies.flagged.isEmpty {
            warnings.append(
                "in \(frequencies.flagged.count) of \(frequencies.testCount) tests an arm of a snapshot or a day came more or less often than "
                    + "its propensities say (adjusted p below 0.001): the log may lack rows or hold wrong propensities")
        }
        if let share = overlappingWindowShare, share > 0.05 {
            warnings.append(
                "\(Verdict.percent(share)) of the \(options.unitName)s have impressions closer together than the attribution window (above "
                    + "5 %): one conversion may count for several impressions, and rows are not independent choices; evaluate a shorter "
                    + "window, or an experiment that holds its choice")
        }
        if let line = log.calibration.line() {
            if line.isSlopeOff {
                warnings.append(
                    "the reward model's estimates \(line.slope < 1 ? "spread more" : "spread less") than the rewards do (slope "
                        + "\(Verdict.decimal(line.slope, 2)) +- \(Verdict.decimal(line.slopeError, 2)), 1 would be right): DM is biased, "
                        + "and DR varies more than it need")
            }
            if line.isLevelOff {
                warnings.append(
                    "the reward model expects \(Verdict.decimal(line.meanEstimate, 4)) for the logged arms, which earned "
                        + "\(Verdict.decimal(line.meanReward, 4)) +- \(Verdict.decimal(line.offsetError, 4)): DM is biased")
            }
        }
        if let share = log.calibration.outsideShare, share > 0, let range = options.rewardRange {
            warnings.append(
                "\(Verdict.decimal(100 * share, 2)) % of the reward model's estimates lie outside of the declared range of rewards "
                    + "\(range.lowerBound)...\(range.upperBound): clip the model, or correct the range")
        }
        if let segments, segments.sorted.contains(where: { $0.key == .other }) {
            warnings.append(
                "\(options.segmentBy ?? "the split") has more than \(SegmentTable.limit) values: the last ones in alphabetical order share "
                    + "the segment (other); split by something coarser, or filter")
        }
        return warnings
    }
}
