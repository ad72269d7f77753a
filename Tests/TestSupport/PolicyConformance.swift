package import HaggleCore
import HaggleMath

/// What every policy promises, checked on given contexts and on many sets of eligible arms.
///
/// Returns the broken promises as sentences, so that a test reads `#expect(policyViolations(...) == [])`.
/// - Parameters:
///   - floor: the least probability that the policy promises each eligible arm.
///   - contexts: several; among them one with missing, one with unknown values.
package func policyViolations(_ policy: any Policy, floor: Double, contexts: [Context], seed: UInt64 = 1) -> [String] {
    var violations: [String] = []
    var generator = SeededGenerator(seed: seed)
    let all = Array(0..<policy.armCount)
    var subsets = [all] + all.map { [$0] }
    for _ in 0..<8 {
        let subset = all.filter { _ in generator.uniform() < 0.6 }
        if !subset.isEmpty { subsets.append(subset) }
    }
    var first: [[Double]] = []
    for context in contexts {
        for eligible in subsets {
            let distribution = policy.distribution(over: eligible, in: context)
            first.append(distribution.probabilities)
            violations += violationsOfOne(distribution.probabilities, armCount: policy.armCount, eligible: eligible, floor: floor)
        }
    }
    // Again, in the opposite order and after other calls: neither memory nor batch may show in a single bit.
    var again: [[Double]] = []
    for context in contexts.reversed() {
        for eligible in subsets.reversed() { again.append(policy.distribution(over: eligible, in: context).probabilities) }
    }
    again.reverse()
    for (index, pair) in zip(first, again).enumerated() where pair.0.map(\.bitPattern) != pair.1.map(\.bitPattern) {
        violations.append("call \(index): not the same bits in another order of calls")
    }
    return violations
}

private func violationsOfOne(_ probabilities: [Double], armCount: Int, eligible: [Int], floor: Double) -> [String] {
    guard probabilities.count == armCount else { return ["\(probabilities.count) probabilities for \(armCount) arms"] }
    var violations: [String] = []
    var total = 0.0
    for (arm, probability) in probabilities.enumerated() {
        if !probability.isFinite || probability < 0 || probability > 1 + 1e-12 {
            violations.append("arm \(arm): probability \(probability)")
        }
        if !eligible.contains(arm) && probability != 0 { violations.append("arm \(arm): not eligible, probability \(probability)") }
        // One rounding of the sum f + (1 - K f) w.
        if eligible.contains(arm) && probability < floor * (1 - 1e-12) {
            violations.append("arm \(arm): \(probability) is below the floor")
        }
        total += probability
    }
    // One rounding per arm.
    if abs(total - 1) > 1e-13 * Double(armCount) { violations.append("probabilities over \(eligible) sum to \(total)") }
    return violations
}
