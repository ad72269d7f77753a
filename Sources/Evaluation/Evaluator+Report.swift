import HaggleMath

extension Evaluator {
    /// The report over all rows so far.
    /// - Throws: `EvaluationError.emptyLog` without rows.
    package mutating func report() async throws -> EvaluationReport {
        guard rowCount > 0 else { throw EvaluationError.emptyLog }
        await flush()
        let isClustered = options.clustering == .unit && units.recur != false
        var rows = rowsWithoutUnit
        rows.merge(isClustered ? units.coMoments() : rowsWithUnit)
        let analysis = Analysis(evaluator: self, observations: rows, isClustered: isClustered)
        return analysis.report()
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
    /// For each policy and estimator, the values of the bootstrap's replicates; empty without a bootstrap.
    let replicates: [[[Double]]]

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
                sums: terms.indices.map { evaluator.sums[1 + policy * terms.count + $0].value })
        }
        replicates = Self.replicates(of: evaluator)
    }

    func report() -> EvaluationReport {
        let frequencies = evaluator.armFrequencies.check()
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
            rewardModel: evaluator.rewardModel, propensities: evaluator.options.propensities, policies: policies, differences: differences)
    }

    private func isWithheld(_ evaluation: PolicyEvaluation) -> Bool {
        evaluation.verdict == .unsupported && !evaluator.options.isForced
    }

    private func evaluation(of policy: Int, frequencies: ArmFrequencyCheck?) -> PolicyEvaluation {
        let scores = evaluator.estimators.map { Score(value: $0.value(of: sums[policy]), standardError: standardError($0, policy)) }
        let diagnostics = evaluator.weights[policy].diagnostics(
            rowCount: evaluator.rowCount, meanWeightZ: meanWeightZ(policy), estimatorDisagreement: disagreement(scores),
            armFrequencies: frequencies)
        let (verdict, reasons) = Verdict.judge(
            diagnostics, rowCount: evaluator.rowCount, unitCount: isClustered ? observations.rowCount : nil)
        let isWithheld = verdict == .unsupported && !evaluator.options.isForced
        let estimates = evaluator.estimators.indices.map { index in
            let estimator = evaluator.estimators[index]
            guard !isWithheld else {
                return Estimate(
                    estimator: estimator.name, parameters: estimator.parameters, value: nil, standardError: nil, intervals: [],
                    isWithheld: true)
            }
            let made = intervalMaker.intervals(
                of: subject(
                    scores[index], policy: policy, estimator: index, effectiveConversions: diagnostics.rewardedEffectiveSampleSize))
            return Estimate(
                estimator: estimator.name, parameters: estimator.parameters, value: scores[index].value.ifFinite,
                standardError: scores[index].standardError, intervals: made.intervals, remarks: estimator.remarks + made.refusals)
        }
        return PolicyEvaluation(
            policy: evaluator.policies[policy].name, verdict: verdict, reasons: reasons, diagnostics: diagnostics, estimates: estimates)
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

    /// max |V_i - V_j| / max(SE_i, SE_j) over the estimators that do not trade bias on purpose.
    private func disagreement(_ scores: [Score]) -> Double? {
        let compared = zip(evaluator.estimators, scores).filter { $0.isConsistent && $1.value.isFinite }.map(\.1)
        guard compared.count >= 2 else { return nil }
        var largest = 0.0
        for (index, one) in compared.enumerated() {
            for other in compared[..<index] {
                let gap = abs(one.value - other.value)
                let error = max(one.standardError ?? 0, other.standardError ?? 0)
                if error > 0 { largest = max(largest, gap / error) }
            }
        }
        return largest
    }

    private static func replicates(of evaluator: Evaluator) -> [[[Double]]] {
        guard let bootstrap = evaluator.bootstrap else { return [] }
        let terms = evaluator.terms
        var values = evaluator.policies.map { _ in evaluator.estimators.map { _ in [Double]() } }
        bootstrap.forEachReplicate { count, sum in
            for policy in evaluator.policies.indices {
                let sums = TermSums(count: count, terms: terms, sums: terms.indices.map { sum(policy * terms.count + $0) })
                for (index, estimator) in evaluator.estimators.enumerated() { values[policy][index].append(estimator.value(of: sums)) }
            }
        }
        return values
    }
}
