import HaggleMath

/// How the step size changes over the steps of a training.
package struct LearningSchedule: Hashable, Sendable {
    package enum Kind: String, Hashable, Sendable, Codable, CaseIterable {
        case constant
        /// Half a cosine from 1 to 0 (Loshchilov & Hutter 2017, equation 5, without restarts).
        case cosine
        /// A straight rise over the first tenth of the steps, then `cosine` over the rest.
        case warmup
    }

    package let kind: Kind
    /// Steps in all, at least 1; later ones keep the last factor.
    package let steps: Int

    package init(kind: Kind, steps: Int) {
        self.kind = kind
        self.steps = max(1, steps)
    }

    /// What the step size is multiplied by at a step, the first being 0; in 0...1.
    package func factor(step: Int) -> Double {
        switch kind {
        case .constant: return 1
        case .cosine: return Self.fall(Double(step) / Double(steps))
        case .warmup:
            let rise = max(1, steps / 10)
            if step < rise { return Double(step + 1) / Double(rise) }
            return Self.fall(Double(step - rise) / Double(max(1, steps - rise)))
        }
    }

    private static func fall(_ share: Double) -> Double { 0.5 * (1 + ElementaryFunctions.cos(Double.pi * min(1, share))) }
}
