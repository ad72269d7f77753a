import Evaluation
package import HaggleCore
import HaggleMath

/// Decides whether a newly fitted encoder and network may serve: numbers in, decision out.
///
/// Candidates are judged again and again, so a fixed level would pass a wrong statement sooner or later. Look j of a lineage spends
///
///     alpha_j = alpha / (j (j + 1))        sum over all j = alpha
///
/// shared by the look's comparisons, each of which is a two-sided normal interval at level 1 - alpha_j / m. By the union bound all
/// intervals of all looks hold together with probability 1 - alpha, however the looks share their rows; assumed is that the paired
/// scores' mean is normal so far out (the verdict on the weights stands before that).
///
/// Beside what serves, a candidate is compared with two anchors that do not move with it: control, and the network approved last. The
/// approved one is replaced only by a network that is shown to earn more than it (or by a person), so that many small losses, none of which can
/// be seen, do not add up. A candidate that is shown to earn more than what serves is not held back by an anchor: keeping what serves
/// would be worse.
package struct Gate: Hashable, Sendable {
    package struct Configuration: Hashable, Sendable {
        package var mode: Experiment.Gate
        /// The chance of any wrong statement in a lineage, in 0..<1.
        package var alpha: Double
        /// With fewer rows after the cut, `veto` publishes what the log cannot answer for.
        package var minimumImpressions: Int

        package init(mode: Experiment.Gate, alpha: Double = 0.05, minimumImpressions: Int) {
            self.mode = mode
            self.alpha = alpha
            self.minimumImpressions = minimumImpressions
        }
    }

    package let configuration: Configuration

    package init(_ configuration: Configuration) {
        precondition(configuration.alpha > 0 && configuration.alpha < 1, "alpha must lie between 0 and 1")
        self.configuration = configuration
    }

    /// What look j may spend. O(1).
    /// - Precondition: `look >= 1`.
    package func spending(look: Int) -> Double {
        precondition(look >= 1, "looks are counted from 1")
        return configuration.alpha / (Double(look) * Double(look + 1))
    }

    /// Judges one candidate.
    /// - Parameter look: counts the looks of the lineage, this one included.
    package func judge(_ measurement: GateMeasurement, look: Int) -> GateLook {
        let spent = spending(look: look)
        // The number of comparisons is fixed before the rows are seen, so those that turn out unsupported cost their share too.
        let share = spent / Double(max(1, measurement.comparisons.count))
        let differences = measurement.verdict == .unsupported ? [] : measurement.comparisons.compactMap { Self.interval($0, alpha: share) }
        let decision = decision(measurement, differences)
        var result = GateLook(
            look: look, mode: configuration.mode, alpha: configuration.alpha, spent: spent, level: 1 - share, measurement: measurement,
            differences: differences, decision: decision, isApproved: Self.approves(decision, measurement, differences), reason: "")
        result.reason = result.sentence
        return result
    }

    private func decision(_ measurement: GateMeasurement, _ differences: [GateLook.Difference]) -> GateLook.Decision {
        guard measurement.defect == nil else { return .defective }
        guard let serving = differences.first(where: { $0.baseline == .serving }) else {
            return configuration.mode == .veto && measurement.rows < configuration.minimumImpressions ? .tooEarly : .unsupported
        }
        if serving.upper < 0 { return .worse }
        if serving.lower > 0 { return .better }
        if differences.contains(where: { $0.upper < 0 }) { return .worseThanAnchor }
        return configuration.mode == .prove ? .notBetter : .notWorse
    }

    private static func interval(_ comparison: GateMeasurement.Comparison, alpha: Double) -> GateLook.Difference? {
        guard comparison.verdict != .unsupported, let difference = comparison.difference, let error = comparison.standardError else {
            return nil
        }
        // By the lower tail: 1 - alpha / 2 would lose the digits of a small alpha.
        let half = -NormalDistribution.quantile(alpha / 2) * error
        return GateLook.Difference(baseline: comparison.baseline, lower: difference - half, upper: difference + half)
    }

    private static func approves(
        _ decision: GateLook.Decision, _ measurement: GateMeasurement, _ differences: [GateLook.Difference]
    ) -> Bool {
        guard decision == .better || decision == .notWorse else { return false }
        let reference: GateMeasurement.Comparison.Baseline = measurement.servingIsApproved ? .serving : .approved
        // Nothing approved yet: the first that the log can answer for is what later ones are held against.
        guard measurement.servingIsApproved || measurement.comparisons.contains(where: { $0.baseline == .approved }) else { return true }
        return differences.contains { $0.baseline == reference && $0.lower > 0 }
    }
}

extension GateLook {
    /// What was decided and on what, for a person.
    fileprivate var sentence: String {
        func found(_ baseline: GateMeasurement.Comparison.Baseline) -> String {
            guard let interval = difference(to: baseline),
                let value = measurement.comparisons.first(where: { $0.baseline == baseline })?.difference
            else { return "" }
            return ": \(Self.rounded(value)) per impression, \(Self.rounded(interval.lower)) to \(Self.rounded(interval.upper))"
        }
        switch decision {
        case .better: return "published: shown to earn more than what serves" + found(.serving)
        case .notWorse: return "published: not shown to earn less than what serves" + found(.serving)
        case .tooEarly: return "published: the \(measurement.rows) rows after the cut cannot answer for it yet"
        case .worse: return "kept back: shown to earn less than what serves" + found(.serving)
        case .worseThanAnchor:
            let anchors = differences.filter { $0.baseline != .serving && $0.upper < 0 }.map { difference in
                (difference.baseline == .control ? "control" : "the network approved last") + found(difference.baseline)
            }
            return "kept back: shown to earn less than " + anchors.joined(separator: "; and than ")
        case .notBetter: return "kept back: not shown to earn more than what serves" + found(.serving)
        case .unsupported:
            return
                "kept back: the \(measurement.rows) rows after the cut cannot answer for it, because its choices differ too much from those logged"
        case .defective: return "kept back: \(measurement.defect ?? "its numbers are not sound")"
        }
    }

    /// Three significant digits.
    private static func rounded(_ value: Double) -> String {
        guard value != 0, value.isFinite else { return "\(value)" }
        var scale = 1.0
        while abs(value) * scale < 100, scale < 1e12 { scale *= 10 }
        let text = "\((value * scale).rounded() / scale)"
        return text.hasSuffix(".0") ? String(text.dropLast(2)) : text
    }
}
