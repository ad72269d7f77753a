import HaggleCore
import HaggleMath
import Testing

@testable import Simulation

/// Gives the arms of the ladder decreasing shares, and deal hunters the reverse.
private struct Leaning: Policy {
    let armCount: Int
    func distribution(over eligible: [Int], in context: Context) -> ArmDistribution {
        let isHunter = context["deal_share"].map { if case .number(let share) = $0 { share > 0.5 } else { false } } ?? false
        let weights = (0..<armCount).map { Double(isHunter ? $0 + 1 : armCount - $0) }
        return ArmDistribution(weights: weights, floor: 0.02, eligible: eligible)
    }
}

@Suite struct SimulatedLogTests {
    @Test func everyPassGivesTheSameRows() async {
        let log = SimulatedLog(shop: Shop(.init(seed: 6)), policy: Leaning(armCount: 5), visits: 10..<400)
        var read: [Interaction] = []
        for await row in log.interactions() { read.append(row) }
        #expect(read == log.rows())
        #expect(read.count == 390)
        #expect(Set(read.compactMap(\.impressionID)).count == 390)
        for row in read {
            #expect(row.propensity == row.propensities?[row.arm])
            #expect(row.maturedAt == row.time.map { $0 + 7 * 86_400 })
        }
    }

    /// Inverse propensity weighting from the log finds the exact value of another policy; 4.5 standard errors, as above.
    @Test func weightedRewardsFindTheTrueValueOfAnotherPolicy() {
        let log = SimulatedLog(shop: Shop(.init(seed: 21)), policy: Leaning(armCount: 5), visits: 0..<60_000)
        let truth = log.truth()
        var scores: [Double] = []
        for row in log.rows() { scores.append(row.arm == 4 ? row.reward / (row.propensity ?? 1) : 0) }
        let mean = scores.reduce(0, +) / Double(scores.count)
        let variance = scores.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(scores.count - 1)
        let standardError = (variance / Double(scores.count)).squareRoot()
        #expect(abs(mean - truth.arms[4]) < 4.5 * standardError)
        let logged = log.value(of: Leaning(armCount: 5))
        #expect(logged > truth.uniform && logged < truth.best, "the leaning policy leans the right way")
    }
}
