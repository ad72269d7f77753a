import ArgumentParser
import Evaluation
import Foundation
import HaggleCore

/// What `evaluate` and `evaluate-shard` share: which estimates, which intervals, and what they rest on.
struct EvaluationFlags: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "An estimator, such as SNIPS, 'SwitchDR(10)' or 'IPS(slope)'. Repeatable; default: a panel.", valueName: "name"))
    var estimator: [String] = []

    @Option(
        help: ArgumentHelp(
            "An interval: \(Interval.Method.allCases.map(\.rawValue).joined(separator: ", ")). Repeatable.", valueName: "method"))
    var interval: [String] = []

    @Option(help: "Bootstrap resamples.") var resamples = 1000
    @Option(help: "Confidence level of the intervals.") var level = 0.95
    @Option(help: "Seed of the bootstrap, of cross-fitting and of Replay.") var seed: UInt64 = 1
    @Option(help: ArgumentHelp("Bounds of the reward, where an interval needs them declared.", valueName: "lo,hi"))
    var rewardRange: String?
    @Option(help: ArgumentHelp("Least propensity of the logging policy (its floor), which bounds the weights.", valueName: "p"))
    var leastPropensity: Double?
    @Option(help: "Threads.") var threads = ProcessInfo.processInfo.activeProcessorCount

    func validate() throws {
        for name in interval where Interval.Method(rawValue: name) == nil {
            let known = Interval.Method.allCases.map(\.rawValue).joined(separator: ", ")
            throw ValidationError("--interval: expected one of \(known), found \(name)")
        }
        if let rewardRange, Self.range(rewardRange) == nil {
            throw ValidationError("--reward-range: expected two numbers LO,HI with LO < HI, found \(rewardRange)")
        }
        if let leastPropensity, !(leastPropensity > 0 && leastPropensity <= 1) {
            throw ValidationError("--least-propensity: expected a probability above 0, found \(leastPropensity)")
        }
        guard (1...256).contains(threads) else { throw ValidationError("--threads: expected a count in 1...256, found \(threads)") }
    }

    /// The options that the flags give.
    /// - Throws: `EvaluationError` for an estimator that does not exist.
    func options(isForced: Bool) throws -> EvaluationOptions {
        var options = EvaluationOptions(level: level, resamples: resamples, seed: seed, isForced: isForced, threadCount: threads)
        if !estimator.isEmpty { options.estimators = try estimator.map { try EstimatorPanel.parse($0) } }
        if !interval.isEmpty { options.intervals = interval.compactMap { Interval.Method(rawValue: $0) } }
        options.rewardRange = rewardRange.flatMap(Self.range)
        options.weightBound = leastPropensity.map { 1 / $0 }
        return options
    }

    private static func range(_ text: String) -> ClosedRange<Double>? {
        let parts = text.split(separator: ",", omittingEmptySubsequences: false).map { Double($0.trimmingCharacters(in: .whitespaces)) }
        guard parts.count == 2, let lower = parts[0], let upper = parts[1], lower.isFinite, upper.isFinite, lower < upper else {
            return nil
        }
        return lower...upper
    }
}
