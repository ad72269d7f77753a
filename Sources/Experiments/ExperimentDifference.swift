package import HaggleCore

/// What an edited experiment file would change about the applied experiment, in words and by how much it hurts.
package struct ExperimentDifference: Hashable, Sendable, Codable {
    /// What a change does to a running experiment.
    package enum Severity: String, Hashable, Sendable, Codable, CaseIterable, Comparable {
        /// Takes effect at once or with the next retraining, and spoils nothing.
        case harmless
        /// Units change sides: what was measured so far no longer belongs to the groups as they will be.
        case rerandomisesUnits = "rerandomises_units"
        /// What was learned no longer fits: the posterior begins anew, or its rewards mean something else.
        case breaksLearnedState = "breaks_learned_state"

        package static func < (left: Self, right: Self) -> Bool { left.rank < right.rank }

        private var rank: Int {
            switch self {
            case .harmless: 0
            case .rerandomisesUnits: 1
            case .breaksLearnedState: 2
            }
        }
    }

    package struct Change: Hashable, Sendable, Codable {
        /// The key's path in the file: `reward.window`, `arms.ten.discount`.
        package var path: String
        /// The applied value as it would stand in a file; nil where there was none.
        package var from: String?
        /// The new value; nil where there is none any more.
        package var to: String?
        package var severity: Severity
        /// What follows, as a sentence; empty where nothing does beyond the value itself.
        package var consequence: String
    }

    package var experiment: ExperimentKey
    package var changes: [Change]

    package init(_ old: Experiment, _ new: Experiment) {
        var comparison = ExperimentComparison(old: old, new: new)
        comparison.run()
        experiment = new.key
        changes = comparison.changes
    }

    package var isEmpty: Bool { changes.isEmpty }
    /// The worst of the changes; nil where there are none.
    package var severity: Severity? { changes.map(\.severity).max() }
    /// Whether `apply` needs `--yes`.
    package var needsConfirmation: Bool { changes.contains { $0.severity != .harmless } }
}

extension ExperimentDifference.Change: CustomStringConvertible {
    /// `reward.window: 7d -> 14d (breaks the learned state: ...)`.
    package var description: String {
        let values =
            switch (from, to) {
            case (let from?, let to?): "\(from) -> \(to)"
            case (nil, let to?): "added \(to)"
            case (let from?, nil): "removed \(from)"
            case (nil, nil): "changed"
            }
        let weight =
            switch severity {
            case .harmless: consequence.isEmpty ? nil : consequence
            case .rerandomisesUnits: "re-randomises units: \(consequence)"
            case .breaksLearnedState: "breaks the learned state: \(consequence)"
            }
        return "\(path): \(values)" + (weight.map { " (\($0))" } ?? "")
    }
}

/// Compares two experiments key by key.
private struct ExperimentComparison {
    let old: Experiment
    let new: Experiment
    var changes: [ExperimentDifference.Change] = []

    mutating func run() {
        guard old.key == new.key else {
            add(
                "experiment", old.key.rawValue, new.key.rawValue, .rerandomisesUnits,
                "another key is another experiment; '\(old.key)' goes on as it is")
            return
        }
        compareTexts()
        compareTraffic()
        compareArms()
        compareFeatures()
        compareReward()
        comparePolicy()
    }

    private mutating func add(
        _ path: String, _ from: String?, _ to: String?, _ severity: ExperimentDifference.Severity = .harmless, _ consequence: String = ""
    ) {
        guard from != to else { return }
        changes.append(.init(path: path, from: from, to: to, severity: severity, consequence: consequence))
    }

    private mutating func compareTexts() {
        add("description", text(old.description), text(new.description))
        add("owner", old.owner.map(YAMLText.scalar), new.owner.map(YAMLText.scalar))
        add("status", old.status.rawValue, new.status.rawValue, .harmless, new.status == .running ? "" : "everybody gets control")
        add("start", old.start?.description, new.start?.description)
        add("end", old.end?.description, new.end?.description)
        add("unit", YAMLText.scalar(old.unitName), YAMLText.scalar(new.unitName))
        add("warm_start", old.warmStart.map(ExperimentRenderer.warmStart), new.warmStart.map(ExperimentRenderer.warmStart))
        add("activation", old.activation.map(ExperimentRenderer.activation), new.activation.map(ExperimentRenderer.activation))
        add("value_type", old.valueType?.rawValue, new.valueType?.rawValue)
        add("disclosure", old.disclosure.map(YAMLText.scalar), new.disclosure.map(YAMLText.scalar))
    }

    private func text(_ text: String) -> String? { text.isEmpty ? nil : YAMLText.scalar(text) }

    private mutating func compareTraffic() {
        add(
            "type", old.kind.rawValue, new.kind.rawValue, .breaksLearnedState,
            "units are assigned in another way and nothing that was learned or measured carries over")
        add(
            "salt", YAMLText.scalar(old.salt), YAMLText.scalar(new.salt), .rerandomisesUnits,
            "every unit is dealt anew, the holdout included")
        let lowersTraffic = new.traffic < old.traffic
        add(
            "traffic", NumberText.write(old.traffic), NumberText.write(new.traffic),
            lowersTraffic && new.kind == .ab ? .rerandomisesUnits : .harmless,
            lowersTraffic ? "units leave their arm for control" : "more units take part, none changes its arm")
        add(
            "holdout", NumberText.write(old.holdout), NumberText.write(new.holdout), .rerandomisesUnits,
            new.holdout > old.holdout
                ? "units that had the policy join the holdout, which must never have had it" : "units of the holdout get the policy")
        add(
            "slot", old.slot.map(ExperimentRenderer.slot), new.slot.map(ExperimentRenderer.slot), .rerandomisesUnits,
            "other units of the namespace take part")
        add(
            "targeting", old.targeting.map(ExperimentRenderer.condition), new.targeting.map(ExperimentRenderer.condition), .harmless,
            "other units are targeted")
        add(
            "currency", old.currency, new.currency, old.currency == nil ? .harmless : .breaksLearnedState,
            old.currency == nil ? "" : "amounts of two currencies would be added up")
    }

    private mutating func compareArms() {
        let isSplit = new.kind == .ab
        for arm in old.arms where new.index(of: arm.key) == nil {
            add(
                "arms.\(arm.key)", ExperimentRenderer.arm(arm), nil, isSplit ? .rerandomisesUnits : .breaksLearnedState,
                isSplit ? "its units are dealt to the other arms" : "what was learned about the arm is dropped")
        }
        for arm in new.arms {
            let path = "arms.\(arm.key)"
            guard let index = old.index(of: arm.key) else {
                add(
                    path, nil, ExperimentRenderer.arm(arm), isSplit ? .rerandomisesUnits : .harmless,
                    isSplit ? "the arm takes units from the others" : "the arm starts at the prior")
                continue
            }
            compare(old.arms[index], arm, path: path)
        }
        let common = Set(old.arms.map(\.key)).intersection(new.arms.map(\.key))
        let (before, after) = (old.arms.map(\.key).filter(common.contains), new.arms.map(\.key).filter(common.contains))
        if before != after {
            add(
                "arms", ExperimentRenderer.list(before.map(\.rawValue)), ExperimentRenderer.list(after.map(\.rawValue)),
                isSplit ? .rerandomisesUnits : .harmless,
                isSplit ? "arms take units by their order" : "the same draw may give another arm from now on")
        }
    }

    private mutating func compare(_ before: Arm, _ after: Arm, path: String) {
        add(
            "\(path).discount", before.discount.map(NumberText.write), after.discount.map(NumberText.write), .breaksLearnedState,
            "rewards of the old level would count for the new one; give the arm another key")
        add(
            "\(path).control", "\(before.isControl)", "\(after.isControl)", .rerandomisesUnits,
            "holdout and fallback get another arm than so far")
        if old.kind == .ab, new.kind == .ab {
            add(
                "\(path).weight", before.weight.map(NumberText.write), after.weight.map(NumberText.write), .rerandomisesUnits,
                "units move between the arms")
        }
        add("\(path).payload", before.payload.map(ExperimentRenderer.json), after.payload.map(ExperimentRenderer.json))
    }

    private mutating func compareFeatures() {
        for feature in old.context.features where new.context[feature.name] == nil {
            add("context.\(feature.name)", ExperimentRenderer.feature(feature.kind), nil, .harmless, "the next retraining drops it")
        }
        for feature in new.context.features {
            let path = "context.\(feature.name)"
            guard let before = old.context[feature.name] else {
                add(path, nil, ExperimentRenderer.feature(feature.kind), .harmless, "ignored until the next retraining")
                continue
            }
            let isSameType = before.kind.typeName == feature.kind.typeName
            add(
                path, ExperimentRenderer.feature(before.kind), ExperimentRenderer.feature(feature.kind),
                isSameType ? .harmless : .breaksLearnedState,
                isSameType ? "takes effect with the next retraining" : "another type of feature: learning starts again from snapshot 1")
        }
    }

    private mutating func compareReward() {
        let mixed = "rewards of the old rule and of the new one would be added up"
        add("reward.metric", old.reward.metric.rawValue, new.reward.metric.rawValue, .breaksLearnedState, mixed)
        add(
            "reward.margin_rate", old.reward.marginRate.map(NumberText.write), new.reward.marginRate.map(NumberText.write),
            old.reward.metric == .margin || new.reward.metric == .margin ? .breaksLearnedState : .harmless,
            old.reward.metric == .margin || new.reward.metric == .margin ? mixed : "")
        add(
            "reward.window", DurationText.text(old.reward.windowSeconds), DurationText.text(new.reward.windowSeconds), .breaksLearnedState,
            mixed)
        add(
            "reward.default", NumberText.write(old.reward.defaultReward), NumberText.write(new.reward.defaultReward), .breaksLearnedState,
            mixed)
        add("reward.range", old.reward.range.map(ExperimentRenderer.interval), new.reward.range.map(ExperimentRenderer.interval))
        add("reward.learn", old.reward.learn.rawValue, new.reward.learn.rawValue)
    }

    private mutating func comparePolicy() {
        guard let before = old.policy, let after = new.policy else { return }
        add("gate", old.gate.rawValue, new.gate.rawValue, .harmless, Self.atRetraining)
        let changesModel = before.modelFamily != after.modelFamily
        let anew = "another kind of model: learning starts again from snapshot 1"
        add(
            "policy.algorithm", before.algorithm.rawValue, after.algorithm.rawValue, changesModel ? .breaksLearnedState : .harmless,
            changesModel ? anew : "")
        add("policy.probabilities", ExperimentRenderer.probabilities(before), ExperimentRenderer.probabilities(after))
        add("policy.floor", NumberText.write(before.floor), NumberText.write(after.floor))
        add("policy.alpha", NumberText.write(before.alpha), NumberText.write(after.alpha))
        add("policy.variance", before.variance.map(NumberText.write), after.variance.map(NumberText.write))
        add("policy.epsilon", NumberText.write(before.epsilon), NumberText.write(after.epsilon))
        add("policy.temperature", before.temperature.map(NumberText.write), after.temperature.map(NumberText.write))
        add("policy.gamma", before.gamma.map(NumberText.write), after.gamma.map(NumberText.write))
        add("policy.beta", NumberText.write(before.beta), NumberText.write(after.beta))
        add("policy.imitate", before.imitate.map(YAMLText.scalar), after.imitate.map(YAMLText.scalar))
        add(
            "policy.posterior", before.posterior.rawValue, after.posterior.rawValue, .breaksLearnedState,
            "another posterior: learning starts again from snapshot 1")
        add("policy.monotone", "\(before.isMonotone)", "\(after.isMonotone)")
        add(
            "policy.centred", "\(before.isCentred)", "\(after.isCentred)", .breaksLearnedState,
            "another posterior: learning starts again from snapshot 1")
        add(
            "policy.forget", before.forget.map(ExperimentRenderer.forgetting), after.forget.map(ExperimentRenderer.forgetting), .harmless,
            Self.atRetraining)
        add("policy.ridge", NumberText.write(before.ridge), NumberText.write(after.ridge), .harmless, Self.atRetraining)
        add("policy.publish", DurationText.text(before.publishSeconds), DurationText.text(after.publishSeconds))
        add("policy.seed", String(before.seed), String(after.seed), .harmless, Self.atRetraining)
        let isKindOnly = before.model.kind != after.model.kind
        add(
            "policy.model", ExperimentRenderer.model(before.model), ExperimentRenderer.model(after.model),
            isKindOnly && changesModel ? .breaksLearnedState : .harmless, isKindOnly && changesModel ? anew : Self.atRetraining)
        add("policy.retrain", ExperimentRenderer.retraining(before.retrain), ExperimentRenderer.retraining(after.retrain))
    }

    private static let atRetraining = "takes effect with the next retraining"
}

extension Feature.Kind {
    /// What a trained encoder depends on.
    fileprivate var typeName: String {
        switch self {
        case .number: "number"
        case .boolean: "boolean"
        case .category: "category"
        case .hashedCategory: "hashed category"
        case .cycle: "cycle"
        case .sequence: "sequence"
        }
    }
}

extension PolicyConfiguration {
    /// Policies of one family share a learned state: none, one over the encoded context, one over a network.
    fileprivate var modelFamily: String { algorithm.learns ? model.kind.rawValue : "none" }
}
