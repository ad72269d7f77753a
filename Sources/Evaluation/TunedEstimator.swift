/// A family of estimators whose hyper-parameter is chosen on the log that it is used on: `DR(slope)`, `IPS(mse)`, `SG-DR(cv)`.
///
/// The value is the chosen candidate's. Choosing on the same data makes that candidate's own interval too narrow, so standard error and
/// intervals are those of the first candidate, the one with the widest interval, which is the least biased; the estimate is marked as chosen.
package struct TunedEstimator: Estimator {
    /// Which estimators are candidates; each ends with the one that changes no weight.
    package enum Family: String, Sendable, CaseIterable {
        case ips = "IPS"
        case dr = "DR"
        case switchDR = "SwitchDR"
        case dros = "DRos"
        case sgIPS = "SG-IPS"
        case sgDR = "SG-DR"
    }

    /// How the candidate is chosen.
    package enum Rule: String, Sendable, CaseIterable {
        /// Lepski's principle on intervals (`TuningRules.slope`).
        case slope
        /// The smallest estimated mean squared error (`TuningRules.smallestError`).
        case mse
        /// The smallest error on held-out halves (`TuningRules.crossValidated`).
        case crossValidation = "cv"
    }

    package let family: Family
    package let rule: Rule

    package init(_ family: Family, by rule: Rule) {
        self.family = family
        self.rule = rule
    }

    /// l of the candidates but the last, whose l is infinite.
    package static let grid: [Double] = [1, 2, 5, 10, 50, 100, 1000]

    /// From the most changed weights to plain ones. SG-IPS and SG-DR take 1 / l, which bounds their weights by l, and 0; their l = 1 would make
    /// every weight 1 and is left out.
    package var candidates: [any Estimator] {
        switch family {
        case .ips: Self.grid.map { ClippedInversePropensityScore(limit: $0) } + [InversePropensityScore()]
        case .dr: Self.grid.map { ClippedDoublyRobust(limit: $0) } + [DoublyRobust()]
        case .switchDR: Self.grid.map { SwitchDoublyRobust(limit: $0) } + [DoublyRobust()]
        case .dros: Self.grid.map { ShrunkDoublyRobust(lambda: $0) } + [DoublyRobust()]
        case .sgIPS: Self.grid.dropFirst().map { SubgaussianInversePropensityScore(lambda: 1 / $0) } + [InversePropensityScore()]
        case .sgDR: Self.grid.dropFirst().map { SubgaussianDoublyRobust(lambda: 1 / $0) } + [DoublyRobust()]
        }
    }

    package var name: String { family.rawValue }
    package var spelling: String { "\(name)(\(rule.rawValue))" }
    package var terms: [Term] {
        var terms: [Term] = []
        for candidate in candidates {
            for term in candidate.terms where !terms.contains(term) { terms.append(term) }
        }
        return terms
    }
    package var needsFolds: Bool { rule == .crossValidation }
    package var isConsistent: Bool { false }
    package var remarks: [String] { ["chosen on this data"] }
    package var scalesVarianceForMean: Bool { true }
    package var assumptions: String {
        "\(plain.assumptions); the value was chosen on this data, the interval is that of the first candidate"
    }

    package func resolved(on statistics: TuningStatistics) -> ResolvedEstimator {
        let candidates = candidates
        let widest = TuningRules.byWidth(candidates, statistics).first ?? candidates.count - 1
        let chosen =
            switch rule {
            case .slope: TuningRules.slope(candidates, statistics)
            case .mse: TuningRules.smallestError(candidates, statistics)
            case .crossValidation: TuningRules.crossValidated(candidates, statistics)
            }
        return ResolvedEstimator(
            value: candidates[chosen], error: candidates[widest], parameters: candidates[chosen].parameters, remarks: [remark(chosen)])
    }

    /// The value with plain weights; the chosen one comes from `resolved`.
    package func value(of sums: TermSums) -> Double { plain.value(of: sums) }

    package func derivatives(at sums: TermSums) -> EstimatorDerivatives {
        let plain = plain
        let derivatives = plain.derivatives(at: sums)
        return EstimatorDerivatives(
            count: derivatives.count,
            terms: terms.map { term in plain.terms.firstIndex(of: term).map { derivatives.terms[$0] } ?? 0 })
    }

    private var plain: any Estimator {
        switch family {
        case .ips, .sgIPS: InversePropensityScore()
        case .dr, .switchDR, .dros, .sgDR: DoublyRobust()
        }
    }

    private func remark(_ chosen: Int) -> String {
        let isPlain = chosen == candidates.count - 1
        let method =
            switch rule {
            case .slope: "SLOPE"
            case .mse: "estimated squared error"
            case .crossValidation: "cross-validation"
            }
        return "chosen on this data by \(method)\(isPlain ? ": weights unchanged" : "")"
    }
}

/// What an estimator comes down to on a policy's sums.
package struct ResolvedEstimator: Sendable {
    /// Whose value is reported.
    package var value: any Estimator
    /// Whose standard error, replicates and intervals are reported.
    package var error: any Estimator
    package var parameters: [String: Double]
    package var remarks: [String]

    package init(value: any Estimator, error: any Estimator, parameters: [String: Double], remarks: [String]) {
        self.value = value
        self.error = error
        self.parameters = parameters
        self.remarks = remarks
    }
}
