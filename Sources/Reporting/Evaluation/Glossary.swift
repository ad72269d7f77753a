import Evaluation

/// The words of an evaluation report, for somebody who reads one for the first time.
enum Glossary {
    /// The terms that the report uses.
    static func definitions(of report: EvaluationReport) -> [ReportSection.Definition] {
        let estimators = Set((report.policies + report.segments.flatMap(\.policies)).flatMap { $0.estimates.map(\.estimator) })
        let methods = Set(report.policies.flatMap(\.estimates).flatMap(\.shownIntervals).map(\.method))
        var definitions = general
        definitions += self.estimators.filter { estimators.contains($0.term) }
        definitions += self.methods.filter { methods.contains($0.0) }.map { ReportSection.Definition(term: $0.0.rawValue, text: $0.1) }
        if report.propensities == .estimated {
            definitions.append(
                .init(
                    term: "Estimated propensities",
                    text:
                        "The log did not record how likely each arm was, so a model guessed it afterwards. What the model misses becomes bias."
                ))
        }
        if !report.calibration.isEmpty || report.rewardModel != nil {
            definitions.append(
                .init(term: "Reward model", text: "Predicts what each arm would earn from a customer; DM rests on it, DR corrects it."))
        }
        return definitions
    }

    private static let general: [ReportSection.Definition] = [
        .init(term: "Policy", text: "A rule that gives each customer's arms their probabilities."),
        .init(term: "Arm", text: "One option that can be shown, such as a discount level."),
        .init(term: "Propensity", text: "How likely the arm that was shown was at that moment, as the log recorded it."),
        .init(term: "Weight", text: "The policy's probability of the arm that was shown, divided by its propensity."),
        .init(
            term: "Effective rows",
            text: "How many rows the weighted log is worth. The more the policy differs from the log, the fewer."),
        .init(
            term: "Interval",
            text: "Where the true value lies in so many of 100 repetitions, as its level says. It holds for one look at the numbers."),
        .init(term: "Standard error", text: "How far an estimate typically lies from the truth by chance alone."),
        .init(term: "P(better)", text: "The chance that the first policy is really better, if every difference was equally likely before."),
        .init(
            term: "Verdict",
            text:
                "supported: the log can answer. weak: read with caution. unsupported: the log cannot answer, and the numbers are withheld."),
        .init(term: "Forced", text: "Numbers shown on request although the verdict is unsupported. They are no evidence."),
        .init(term: "Pareto k", text: "How heavy the tail of the weights is. Above 0.7 a few rows decide the estimate."),
    ]

    private static let estimators: [ReportSection.Definition] = [
        .init(term: "IPS", text: "Mean reward, each row counted by its weight. Right on average, but restless."),
        .init(term: "CIPS", text: "IPS with large weights cut to a limit: calmer, and somewhat biased."),
        .init(term: "SNIPS", text: "IPS divided by the mean weight: calmer, with a bias that vanishes as the log grows."),
        .init(term: "DM", text: "What the reward model predicts for the policy: as right as the model is."),
        .init(term: "DR", text: "The reward model's prediction, corrected by weighted errors: right if model or propensities are right."),
        .init(term: "CDR", text: "DR with large weights cut to a limit."),
        .init(term: "SNDR", text: "DR with its correction divided by the mean weight."),
        .init(term: "MRDR", text: "DR with a reward model that is fitted to make its variance small."),
        .init(term: "SwitchDR", text: "DR that trusts the reward model alone where weights are large."),
        .init(term: "DRos", text: "DR with large weights shrunk rather than cut."),
        .init(term: "SG-IPS", text: "IPS with weights drawn smoothly towards a limit."),
        .init(term: "SG-DR", text: "DR with weights drawn smoothly towards a limit."),
        .init(term: "BalancedIPS", text: "IPS with propensities averaged over the snapshots that made the log."),
        .init(term: "MLE", text: "The most likely value when weights must average 1 (empirical likelihood)."),
        .init(term: "CressieRead", text: "A close relative of MLE with an interval of its own."),
        .init(term: "Replay", text: "Mean over rows on which the policy happens to agree with the log."),
    ]

    private static let methods: [(Interval.Method, String)] = [
        (.normal, "Estimate plus and minus a multiple of its standard error."),
        (.bootstrap, "From repeating the estimate on random re-weightings of the log."),
        (.studentT, "As normal, a little wider, for few rows."),
        (.hoeffding, "Holds at any number of rows when rewards and weights have known limits; very wide."),
        (.empiricalBernstein, "As hoeffding, narrower where rewards vary little."),
        (.clopperPearson, "Exact for shares of equally weighted rows."),
        (.cressieRead, "All values that re-weighted rows could plausibly explain."),
        (.anytime, "Holds however often one looks at the numbers."),
    ]
}
