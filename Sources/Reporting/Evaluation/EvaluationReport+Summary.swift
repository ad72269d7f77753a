import Evaluation

extension EvaluationReport {
    /// The answer in a few sentences, for somebody who decides and has no time for tables.
    ///
    /// It never ranks what the log cannot tell apart, never repeats a number that is withheld or forced, and says what the numbers rest on.
    package func summary(quantity: Quantity = .plain, metric: String = "reward") -> [String] {
        summary(EvaluationWording(self, quantity: quantity, metric: metric))
    }

    func summary(_ wording: EvaluationWording) -> [String] {
        guard !policies.isEmpty else { return ["No policy was evaluated on the \(NumberFormat.count(rowCount)) impressions of this log."] }
        let answered = policies.filter { $0.isAnswerable && $0.shownEstimate(wording.estimator) != nil }
        var sentences: [String]
        switch answered.count {
        case 0: sentences = []
        case 1: sentences = [single(answered[0], wording)]
        default: sentences = comparison(answered, wording)
        }
        return sentences + doubts(answered, wording)
    }

    private func single(_ policy: PolicyEvaluation, _ wording: EvaluationWording) -> String {
        guard let estimate = policy.shownEstimate(wording.estimator)?.interval else { return "" }
        let verb = wording.quantity.isMoney ? "earned" : "had"
        return "\(wording.names[policy.policy]) would have \(verb) about "
            + wording.amount(wording.quantity.text(estimate.value, spread: estimate.spread)) + " (\(wording.range(estimate)))."
    }

    /// What can be said when several policies have an answer: who leads, over whom that is shown, and over whom it is not.
    private func comparison(_ answered: [PolicyEvaluation], _ wording: EvaluationWording) -> [String] {
        let ranked = answered.sorted { value(of: $0, wording) > value(of: $1, wording) }
        let leader = ranked[0]
        let rivals = ranked.dropFirst().map { (policy: $0, lead: lead(of: leader.policy, over: $0.policy, wording.estimator)) }
        let beaten = rivals.filter { ($0.lead?.estimate.lower ?? 0) > 0 }
        let open = rivals.filter { rival in rival.lead.map { $0.estimate.lower <= 0 } ?? true }
        let name = wording.names[leader.policy]
        var sentences: [String] = []
        if rivals.count == 1 {
            sentences.append(pair(name, rivals[0], wording))
        } else {
            switch open.count {
            case 0:
                sentences.append(single(leader, wording))
                sentences.append("That is more than every other policy would have earned\(gap(to: beaten.first, wording)).")
            case 1:
                sentences.append(
                    "\(name) and \(wording.names[open[0].policy.policy]) lead and cannot be told apart"
                        + (open[0].lead.map { ": their difference in \(wording.meanName) is \(wording.differenceRange($0.estimate))" } ?? "")
                        + ".")
                sentences.append(single(leader, wording))
            default:
                sentences.append(
                    "No policy can be named the best: \(name) has the highest estimate, but cannot be told apart from "
                        + "\(wording.names.list(open.map(\.policy.policy))).")
                sentences.append(single(leader, wording))
            }
            if let rows = open.compactMap({ $0.lead?.difference.rowsToDecide }).max(), rows > 0 {
                sentences.append("About \(NumberFormat.count(rows)) more impressions would probably settle the order.")
            }
            if !open.isEmpty && !beaten.isEmpty {
                sentences.append("\(name) would have earned more than \(wording.names.list(beaten.map(\.policy.policy))).")
            }
            sentences.append("The best of several estimates on the same log tends to be somewhat too high.")
        }
        return sentences + contradictions(leader, rivals: rivals.map(\.policy), wording)
    }

    private typealias Lead = (difference: PolicyDifference, estimate: IntervalEstimate)

    private func pair(_ leader: String, _ rival: (policy: PolicyEvaluation, lead: Lead?), _ wording: EvaluationWording) -> String {
        let other = wording.names[rival.policy.policy]
        guard let lead = rival.lead else { return "\(leader) and \(other) were evaluated, but not compared with each other." }
        let (difference, estimate) = lead
        if estimate.lower > 0 {
            return wording.lead(of: leader, over: other, estimate)
        }
        var sentence =
            "\(leader) and \(other) cannot be told apart: the difference in \(wording.meanName) is "
            + wording.differenceRange(estimate) + "."
        if let rows = difference.rowsToDecide, rows > 0 {
            sentence += " About \(NumberFormat.count(rows)) more impressions would probably decide it."
        }
        if let better = difference.probabilityBetter, better.isFinite {
            let chance = difference.policy == rival.policy.policy ? 1 - better : better
            sentence += " The chance that \(leader) is the better one is about \(NumberFormat.percent(chance, decimals: 0))."
        }
        return sentence
    }

    private func gap(to rival: (policy: PolicyEvaluation, lead: Lead?)?, _ wording: EvaluationWording) -> String {
        guard let rival, let estimate = rival.lead?.estimate else { return "" }
        return "; its lead over \(wording.names[rival.policy.policy]) is \(wording.differenceRange(estimate))"
    }

    private func value(of policy: PolicyEvaluation, _ wording: EvaluationWording) -> Double {
        policy.shownEstimate(wording.estimator)?.interval.value ?? -.infinity
    }

    /// The difference `policy` less `other`, whichever way round the report holds it.
    private func lead(of policy: String, over other: String, _ estimator: String?) -> Lead? {
        for difference in differences where difference.estimator == estimator {
            guard let estimate = difference.shownInterval else { continue }
            if difference.policy == policy && difference.baseline == other { return (difference, estimate) }
            if difference.policy == other && difference.baseline == policy {
                var turned = estimate
                (turned.value, turned.lower, turned.upper) = (-estimate.value, -estimate.upper, -estimate.lower)
                return (difference, turned)
            }
        }
        return nil
    }

    /// Other estimators whose interval says the opposite of the order.
    private func contradictions(_ leader: PolicyEvaluation, rivals: [PolicyEvaluation], _ wording: EvaluationWording) -> [String] {
        var seen: Set<String> = []
        let estimators = differences.map(\.estimator).filter { $0 != wording.estimator && seen.insert($0).inserted }
        return rivals.compactMap { rival in
            let against = estimators.filter { (lead(of: leader.policy, over: rival.policy, $0)?.estimate.upper ?? 0) < 0 }
            guard !against.isEmpty else { return nil }
            return
                "The estimators contradict each other: by \(against.joined(separator: ", ")), \(wording.names[rival.policy]) earns more than "
                + "\(wording.names[leader.policy])."
        }
    }

    /// What limits the answer: weak and missing support, forced numbers, propensities that were estimated.
    private func doubts(_ answered: [PolicyEvaluation], _ wording: EvaluationWording) -> [String] {
        var sentences: [String] = []
        let weak = answered.filter { $0.verdict == .weak }
        if !weak.isEmpty {
            sentences.append("The log supports \(wording.names.list(weak.map(\.policy))) only weakly: read those numbers with caution.")
        }
        let withheld = policies.filter(\.isWithheld)
        if withheld.count == policies.count && policies.count > 1 {
            sentences.append("The log cannot answer for any of the \(policies.count) policies; their numbers are withheld.")
        } else if !withheld.isEmpty {
            sentences.append("The log cannot say what \(wording.names.list(withheld.map(\.policy))) would have earned.")
        }
        if let only = policies.first, policies.count == 1, withheld.count == 1, let reason = only.reasons.first {
            sentences.append(reason.asSentence)
        }
        let forced = policies.filter(\.isForced)
        if !forced.isEmpty {
            sentences.append(
                "The log cannot support an answer for \(wording.names.list(forced.map(\.policy))): its numbers were forced and are no evidence."
            )
        }
        let silent = policies.filter { policy in
            policy.verdict != .unsupported && !answered.contains { $0.policy == policy.policy }
        }
        if !silent.isEmpty { sentences.append("There is no estimate with an interval for \(wording.names.list(silent.map(\.policy))).") }
        if propensities == .estimated {
            sentences.append("The propensities were estimated from the log, not recorded: every number here may be biased.")
        }
        return sentences
    }
}

extension EvaluationWording {
    /// `between €7.81 and €8.21 with 95% confidence`.
    fileprivate func range(_ estimate: IntervalEstimate) -> String {
        "between \(quantity.text(estimate.lower, spread: estimate.spread)) and "
            + "\(quantity.text(estimate.upper, spread: estimate.spread)) with \(Self.level(estimate)) confidence"
    }

    /// The same for a difference: with signs, and in percentage points where the values are shares.
    fileprivate func differenceRange(_ estimate: IntervalEstimate, isSigned: Bool = true) -> String {
        "between \(bare(estimate.lower, estimate, isSigned)) and \(bare(estimate.upper, estimate, isSigned))"
            + (quantity == .share ? " percentage points" : "") + " with \(Self.level(estimate)) confidence"
    }

    /// `A would have earned €0.61 more margin per impression than B (...).`
    fileprivate func lead(of leader: String, over other: String, _ estimate: IntervalEstimate) -> String {
        let amount = bare(estimate.value, estimate, false)
        let advantage =
            switch quantity {
            case .money: "would have earned \(amount) more \(metric) per impression than \(other)"
            case .share: "would have had a \(metric) rate \(amount) percentage points higher than \(other)"
            case .plain: "would have had a mean \(metric) \(amount) higher per impression than \(other)"
            }
        return "\(leader) \(advantage) (\(differenceRange(estimate, isSigned: false)))."
    }

    /// A difference without its per cent sign, which would read as a relative change.
    private func bare(_ value: Double, _ estimate: IntervalEstimate, _ isSigned: Bool) -> String {
        quantity.text(value, spread: estimate.spread, isSigned: isSigned).replacing("%", with: "")
    }

    private static func level(_ estimate: IntervalEstimate) -> String {
        let isWhole = abs(estimate.level * 100 - (estimate.level * 100).rounded()) < 1e-9
        return NumberFormat.percent(estimate.level, decimals: isWhole ? 0 : 1)
    }
}

extension Quantity {
    var isMoney: Bool { if case .money = self { true } else { false } }
}

extension String {
    /// With a capital at its beginning and one full stop at its end.
    var asSentence: String { capitalisedFirst + (hasSuffix(".") ? "" : ".") }
}
