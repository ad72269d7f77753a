import Evaluation
import Foundation
import HaggleCore

/// Made-up evaluations for the tests of texts and pages.
enum SampleEvaluations {
    static func interval(_ value: Double, _ spread: Double, _ method: Interval.Method = .normal, level: Double = 0.95) -> Interval {
        Interval(
            method: method, level: level, lower: value - spread, upper: value + spread,
            assumptions: "units are independent and many enough for a normal approximation; propensities are right")
    }

    static func estimate(
        _ estimator: String, _ value: Double, _ spread: Double, parameters: [String: Double] = [:],
        methods: [Interval.Method] = [.normal, .bootstrap], remarks: [String] = []
    ) -> Estimate {
        Estimate(
            estimator: estimator, parameters: parameters, value: value, standardError: spread / 1.96,
            intervals: methods.enumerated().map { interval(value, spread * (1 + 0.04 * Double($0)), $1) }, remarks: remarks)
    }

    static func diagnostics(share: Double = 0.43, paretoK: Double? = 0.31, rows: Int = 48_212) -> Diagnostics {
        Diagnostics(
            effectiveSampleSize: share * Double(rows), effectiveSampleShare: share, rewardedEffectiveSampleSize: share * 9120,
            rewardedRowCount: 9120, meanWeight: 1.0034, meanWeightZ: 0.31, maximumWeight: 12.25 / share,
            maximumWeightShare: 0.0004 / share, topPercentWeightShare: 0.05 / share, paretoK: paretoK, targetMassOnRareArms: 0.0031,
            targetMassOnImpossibleArms: 0, estimatorDisagreement: 0.8,
            armFrequencies: try? JSONDecoder().decode(
                ArmFrequencyCheck.self, from: Data(#"{"tests": 40, "smallest_p_holm": 0.31, "flagged": []}"#.utf8)))
    }

    static func policy(
        _ name: String, _ verdict: Verdict, _ estimates: [Estimate], reasons: [String] = [], diagnostics: Diagnostics = diagnostics()
    ) -> PolicyEvaluation {
        PolicyEvaluation(policy: name, verdict: verdict, reasons: reasons, diagnostics: diagnostics, estimates: estimates)
    }

    static func difference(
        _ policy: String, _ baseline: String, _ estimator: String, _ value: Double, _ spread: Double, better: Double? = nil,
        rows: Int? = nil
    ) -> PolicyDifference {
        PolicyDifference(
            policy: policy, baseline: baseline, estimator: estimator, parameters: [:], value: value, standardError: spread / 1.96,
            intervals: [interval(value, spread)], probabilityBetter: better, rowsToDecide: rows)
    }

    static func report(
        _ policies: [PolicyEvaluation], _ differences: [PolicyDifference] = [], propensities: PropensitySource = .logged
    ) -> EvaluationReport {
        EvaluationReport(
            rowCount: 48_212, armCount: 5, armNames: arms, excluded: [:], clusteredBy: nil, rewardModel: nil, propensities: propensities,
            policies: policies, differences: differences)
    }

    static let arms = ["none", "five", "ten", "fifteen", "twenty"]

    /// An evaluation with every part filled in: a learned policy, a candidate, and policies that the log supports weakly or not at all.
    static func rich(isForced: Bool = false, propensities: PropensitySource = .logged) -> EvaluationReport {
        let values = [("logged", 7.42, 0.11), ("snapshot:41", 8.01, 0.16), ("policies/neural-thompson-deep.yaml", 8.09, 0.21)]
        var policies = values.map { name, value, spread in
            filled(policy(name, .supported, panel(value, spread), reasons: []), value: value, spread: spread)
        }
        policies.append(
            filled(
                policy(
                    "arm:none", .weak, panel(6.81, 0.9),
                    reasons: ["the largest weights have a heavy tail (Pareto k 0.82, above 0.7), so standard errors are likely too small"],
                    diagnostics: diagnostics(share: 0.009, paretoK: 0.82)), value: 6.81, spread: 0.9))
        policies.append(
            policy(
                "arm:twenty", .unsupported,
                isForced
                    ? panel(123.25, 80)
                    : ["IPS", "SNIPS", "DR"].map {
                        Estimate(estimator: $0, parameters: [:], value: nil, standardError: nil, intervals: [], isWithheld: true)
                    },
                reasons: [
                    "the weighted log is worth only 3.1 of its 48212 rows (at least 50 are needed): log more rows, log with more "
                        + "exploration, or evaluate a policy closer to the one that made the log"
                ], diagnostics: diagnostics(share: 0.00006, paretoK: nil)))
        var report = report(policies, propensities: propensities)
        report.excluded = ["HOLDOUT": 2_310, "NOT_IN_TRAFFIC": 118, "IMMATURE": 4_021]
        report.clusteredBy = "unit"
        report.rewardModel = "neural"
        report.warnings = ["6.2 % of the units have overlapping attribution windows, so a purchase may count for the wrong impression"]
        for later in policies.indices {
            for earlier in 0..<later {
                for estimator in ["SNIPS", "DR"] {
                    guard
                        let one = policies[later].estimate(estimator)?.value, let other = policies[earlier].estimate(estimator)?.value
                    else {
                        var withheld = difference(policies[later].policy, policies[earlier].policy, estimator, 0, 1)
                        (withheld.value, withheld.standardError, withheld.intervals, withheld.isWithheld) = (nil, nil, [], true)
                        report.differences.append(withheld)
                        continue
                    }
                    let spread = 0.14 + (later == 3 ? 0.7 : 0) + (later == 4 ? 80 : 0)
                    report.differences.append(
                        difference(
                            policies[later].policy, policies[earlier].policy, estimator, one - other, spread,
                            better: one > other ? 0.97 : 0.02, rows: abs(one - other) > spread ? 0 : 85_400))
                }
            }
        }
        for (index, channel) in ["web", "app", "store", "(missing)"].enumerated() {
            let shift = 0.4 * Double(index)
            report.segments.append(
                SegmentEvaluation(
                    by: "channel", value: channel, rowCount: 24_000 / (index + 1),
                    policies: [
                        policy("logged", .supported, panel(7.1 + shift, 0.3)),
                        policy("snapshot:41", index == 3 ? .weak : .supported, panel(7.5 + shift, 0.4 + 0.3 * Double(index))),
                    ],
                    differences: [
                        difference("snapshot:41", "logged", "DR", 0.4, 0.25 + 0.2 * Double(index), better: 0.98 - 0.05 * Double(index))
                    ]))
        }
        report.calibration = (0..<10).map { index in
            let prediction = 2.5 + 1.3 * Double(index)
            let observed = prediction * 0.93 + 0.7 + 0.35 * sin(Double(index) * 2)
            return CalibrationBin(
                rowCount: 4_821, meanPrediction: prediction, meanReward: observed, lower: observed - 0.6, upper: observed + 0.6)
        }
        report.provenance = Provenance(
            program: "haggle 0.9.0",
            command: [
                "haggle", "evaluate", "checkout-discount", "--policy", "logged", "--policy", "snapshot:41", "--policy",
                "policies/neural-thompson-deep.yaml", "--policy", "arm:none", "--policy", "arm:twenty", "--by", "channel", "--where",
                "orders_90d >= 1 && channel != 'kiosk'", "--output", "evaluation.html",
            ], madeAt: "2026-11-03T20:21:07Z",
            data: [
                "experiment checkout-discount, versions 2 to 3, log positions 1 to 884213, 2026-10-04T00:00:00Z to 2026-11-03T20:00:00Z"
            ],
            policies: [
                "snapshot:41": "serving snapshot 41, trained until 2026-10-28T04:00:00Z",
                "policies/neural-thompson-deep.yaml":
                    "sha256 9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08, trained on the older 50 %",
            ], choices: ["seed": "1", "level": "0.95", "resamples": "1000", "clustered by": "unit", "folds": "5"])
        return report
    }

    private static func panel(_ value: Double, _ spread: Double) -> [Estimate] {
        [
            estimate("IPS", value - 0.11, spread * 1.7), estimate("CIPS", value - 0.25, spread * 1.2, parameters: ["lambda": 10]),
            estimate("CIPS", value - 0.2, spread * 1.3, parameters: ["lambda": 50], remarks: ["chosen on this data"]),
            estimate("SNIPS", value - 0.05, spread * 1.3), estimate("DM", value + 0.12, spread * 0.5), estimate("DR", value, spread),
        ]
    }

    private static func filled(_ policy: PolicyEvaluation, value: Double, spread: Double) -> PolicyEvaluation {
        var policy = policy
        let target = policy.policy == "arm:none" ? [1, 0, 0, 0, 0] : [0.08, 0.41, 0.32, 0.15, 0.04]
        policy.overlap = arms.enumerated().map { index, arm in
            ArmOverlap(
                arm: arm, loggedShare: [0.22, 0.3, 0.26, 0.17, 0.05][index], meanPropensity: [0.221, 0.301, 0.258, 0.17, 0.05][index],
                smallestPropensity: 0.01, targetShare: target[index], effectiveSampleSize: 9000 * target[index])
        }
        policy.weightTail = (0..<14).map { step in
            let weight = 0.03 * pow(1.72, Double(step))
            let rows = min(1, pow(weight / 0.03, -0.9) * 1.05)
            return WeightTailPoint(weight: weight, shareOfRows: rows, shareOfWeight: min(1, pow(weight / 0.03, -0.35) * 1.02))
        }
        let start = Timestamp("2026-10-04T00:00:00Z") ?? Timestamp(seconds: 0)
        policy.course = (0..<10).map { part in
            let from = start + Double(part) * 3 * 86_400
            let here = value + 0.3 * cos(Double(part) * 1.3)
            return CoursePoint(
                from: from.description, to: (from + 3 * 86_400).description, rowCount: 4_821, estimator: "DR", value: here,
                lower: here - 3 * spread, upper: here + 3 * spread)
        }
        return policy
    }
}
