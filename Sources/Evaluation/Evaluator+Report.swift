import HaggleMath

extension Evaluator {
    /// The report over all rows so far.
    /// - Throws: `EvaluationError.emptyLog` without rows.
    package mutating func report() async throws -> EvaluationReport {
        guard rowCount > 0 else { throw EvaluationError.emptyLog }
        if let range = propensityRange, range.upperBound - range.lowerBound > 1e-9 * range.lowerBound {
            throw EvaluationError.propensitiesVary(row: nil, found: range.upperBound, earlier: range.lowerBound)
        }
        await flush()
        let isClustered = options.clustering == .unit && unitsRecur
        var rows = rowsWithoutUnit
        rows.merge(isClustered ? units.coMoments() : rowsWithUnit)
        let analysis = Analysis(evaluator: self, observations: rows, isClustered: isClustered)
        var report = analysis.report()
        if let by = options.segmentBy, let segments {
            for (key, evaluator) in segments.sorted {
                var evaluator = evaluator
                let part = try await evaluator.report()
                report.segments.append(
                    SegmentEvaluation(
                        by: by, value: key.name, rowCount: part.rowCount, policies: part.policies, differences: part.differences))
            }
        }
        return report
    }
}

/// What a report is computed from once all rows are in.
struct Analysis {
    let evaluator: Evaluator
    /// Co-moments over independent observations: units where they recur, else rows.
    let observations: CoMoments
    let isClustered: Bool
    /// Each policy's sums.
    let sums: [TermSums]
    /// For each policy and estimator, what it comes down to on the policy's sums.
    private(set) var resolved: [[ResolvedEstimator]] = []
    /// For each policy and estimator, the values of the bootstrap's replicates; empty without a bootstrap.
    private(set) var replicates: [[[Double]]] = []

    /// Makes the intervals of every number in the report.
    var intervalMaker: IntervalMaker {
        IntervalMaker(
            methods: evaluator.options.intervals, level: evaluator.options.level,
            clusterName: isClustered ? evaluator.options.unitName : nil, observationCount: observations.rowCount,
            rewardRange: evaluator.options.rewardRange)
    }

    init(evaluator: Evaluator, observations: CoMoments, isClustered: Bool) {
        self.evaluator = evaluator
        self.observations = observations
        self.isClustered = isClustered
        let terms = evaluator.terms
        sums = evaluator.policies.indices.map { policy in
            TermSums(
                count: evaluator.sums[0].value, terms: terms,
                sums: terms.indices.map { evaluator.sums[1 + policy * terms.count + $0].value },
                distribution: evaluator.distributions.isEmpty ? nil : evaluator.distributions[policy])
        }
        resolved = evaluator.policies.indices.map { policy in
            let statistics = tuningStatistics(of: policy)
            return evaluator.estimators.map { $0.resolved(on: statistics) }
        }
        replicates = replicatedValues()
    }

    func report() -> EvaluationReport {
        let frequencies = evaluator.log.frequencies.check()
        let policies = evaluator.policies.indices.map { evaluation(of: $0, frequencies: frequencies) }
        var differences: [PolicyDifference] = []
        for later in evaluator.policies.indices {
            for earlier in 0..<later {
                let isWithheld = isWithheld(policies[later]) || isWithheld(policies[earlier])
                for estimator in evaluator.estimators.indices {
                    differences.append(
                        difference(
                            later, minus: earlier, estimator: estimator, isWithheld: isWithheld,
                            effectiveConversions: min(
                                policies[later].diagnostics.rewardedEffectiveSampleSize,
                                policies[earlier].diagnostics.rewardedEffectiveSampleSize)))
                }
            }
        }
        return EvaluationReport(
            rowCount: evaluator.rowCount, armCount: evaluator.armCount, armNames: evaluator.options.armNames,
            excluded: evaluator.options.excluded, clusteredBy: isClustered ? evaluator.options.unitName : nil,
            rewardModel: evaluator.rewardModel, propensities: evaluator.options.propensities,
            warnings: evaluator.warnings(frequencies: frequencies), policies: policies, differences: differences,
            calibration: evaluator.log.calibration.reportBins())
    }

    private func isWithheld(_ evaluation: PolicyEvaluation) -> Bool {
        evaluation.verdict == .unsupported && !evaluator.options.isForced
    }

    private func evaluation(of policy: Int, frequencies: ArmFrequencyCheck?) -> PolicyEvaluation {
        let scores = resolved[policy].map { estimator in
            Score(value: estimator.value.value(of: sums[policy]), standardError: standardError(estimator.error, policy))
        }
        let disagreement = disagreement(scores)
        let diagnostics = diagnostics(
            of: policy, meanWeightZ: meanWeightZ(policy), disagreement: disagreement?.largest, frequencies: frequencies)
        let (verdict, reasons) = Verdict.judge(
            diagnostics, evidence: evidence(of: policy, disagreeing: disagreement?.estimators ?? []))
        let isWithheld = verdict == .unsupported && !evaluator.options.isForced
        let estimates = evaluator.estimators.indices.map { index in
            let estimator = evaluator.estimators[index]
            guard !isWithheld else {
                return Estimate(
                    estimator: estimator.name, parameters: estimator.parameters, value: nil, standardError: nil, intervals: [],
                    isWithheld: true)
            }
            var estimate = Estimate(
                estimator: estimator.name, parameters: resolved[policy][index].parameters, value: scores[index].value.ifFinite,
                standardError: nil, intervals: [], remarks: resolved[policy][index].remarks)
            guard !estimator.isPointOnly else { return estimate }
            let centre = Score(
                value: resolved[policy][index].error.value(of: sums[policy]), standardError: scores[index].standardError)
            let made = intervalMaker.intervals(
                of: subject(centre, policy: policy, estimator: index, effectiveConversions: diagnostics.rewardedEffectiveSampleSize))
            estimate.standardError = scores[index].standardError
            estimate.intervals = made.intervals
            estimate.remarks += made.refusals
            return estimate
        }
        return PolicyEvaluation(
            policy: evaluator.policies[policy].name, verdict: verdict, reasons: reasons, diagnostics: diagnostics, estimates: estimates,
            overlap: overlap(of: policy), weightTail: evaluator.weights[policy].sketch.tail(),
            course: isWithheld ? [] : evaluator.course.points(policy: policy, level: evaluator.options.level))
    }

    /// The influence function of an estimator as a combination of columns.
    func influence(_ estimator: any Estimator, _ policy: Int) -> [(column: Int, coefficient: Double)] {
        let derivatives = estimator.derivatives(at: sums[policy])
        var combination = [(column: 0, coefficient: derivatives.count)]
        for (term, derivative) in zip(estimator.terms, derivatives.terms) {
            guard let index = evaluator.terms.firstIndex(of: term) else { preconditionFailure("every estimator's terms are collected") }
            combination.append((1 + policy * evaluator.terms.count + index, derivative))
        }
        return combination
    }

    private func standardError(_ estimator: any Estimator, _ policy: Int) -> Double? {
        standardError(of: influence(estimator, policy), scaled: estimator.scalesVarianceForMean)
    }

    /// sqrt(c sum psi^2) over observations; nil with fewer than two.
    func standardError(of influence: [(column: Int, coefficient: Double)], scaled: Bool) -> Double? {
        let count = Double(observations.rowCount)
        guard count >= 2 else { return nil }
        let scale = scaled ? count / (count - 1) : 1
        return (scale * observations.sumOfSquares(of: influence)).squareRoot().ifFinite
    }

    /// (mean weight - 1) / SE; nil where weights do not vary.
    private func meanWeightZ(_ policy: Int) -> Double? {
        let count = sums[policy].count
        let mean = sums[policy][.weight(.plain)] / count
        let column = 1 + policy * evaluator.terms.count
        guard let error = standardError(of: [(0, -mean / count), (column, 1 / count)], scaled: true), error > 1e-12 * mean else {
            return nil
        }
        return (mean - 1) / error
    }

    /// The values of the estimators whose errors are reported, in every replicate. Replicates keep sums and no distribution of weights.
    private func replicatedValues() -> [[[Double]]] {
        guard let bootstrap = evaluator.bootstrap else { return [] }
        let terms = evaluator.terms
        var values = resolved.map { $0.map { _ in [Double]() } }
        bootstrap.forEachReplicate { count, sum in
            for policy in evaluator.policies.indices {
                let sums = TermSums(count: count, terms: terms, sums: terms.indices.map { sum(policy * terms.count + $0) })
                for (index, estimator) in resolved[policy].enumerated() { values[policy][index].append(estimator.error.value(of: sums)) }
            }
        }
        return values
    }

    /// What a hyper-parameter may be chosen by.
    private func tuningStatistics(of policy: Int) -> TuningStatistics {
        let weights = evaluator.weights[policy]
        var statistics = TuningStatistics(
            sums: sums[policy], observationCount: observations.rowCount,
            meanSquareWeight: weights.sumOfSquares.value / Double(evaluator.rowCount), largestWeight: weights.heaviest.weight,
            standardError: { standardError($0, policy) })
        if let folds = evaluator.folds {
            statistics.foldCount = FoldSums.foldCount
            statistics.foldSums = { folds.sums(of: policy, folds: $0, terms: evaluator.terms) }
        }
        return statistics
    }
}
