package import HaggleCore

/// Writes an experiment as the text of an experiment file that reads back to the same value.
package enum ExperimentRenderer {
    /// - Parameter comment: lines to put on top, each behind `# `.
    package static func render(_ experiment: Experiment, comment: String = "") -> String {
        var lines: [String] = []
        if !comment.isEmpty {
            lines += comment.split(separator: "\n", omittingEmptySubsequences: false).map { $0.isEmpty ? "#" : "# \($0)" }
        }
        lines += header(experiment)
        lines.append("arms:")
        let isEven = experiment.kind == .ab && experiment.arms.allSatisfy { $0.weight == 1 / Double(experiment.arms.count) }
        for var arm in experiment.arms {
            if isEven { arm.weight = nil }
            lines.append("  - " + Self.arm(arm))
        }
        let features = experiment.context.features.filter { !$0.name.hasPrefix("$") }
        if !features.isEmpty {
            lines.append("context:")
            lines += features.map { "  \(key($0.name)): \(feature($0.kind))" }
        }
        if experiment.kind == .bandit, features.count == experiment.context.features.count {
            lines.append("time_features: false")
        }
        lines += reward(experiment.reward)
        if let policy = experiment.policy { lines += Self.policy(policy) }
        return lines.joined(separator: "\n") + "\n"
    }

    private static func header(_ experiment: Experiment) -> [String] {
        var lines = ["experiment: \(YAMLText.scalar(experiment.key.rawValue))"]
        func add(_ name: String, _ value: String?) { if let value { lines.append("\(name): \(value)") } }
        add("description", experiment.description.isEmpty ? nil : YAMLText.scalar(experiment.description))
        add("owner", experiment.owner.map(YAMLText.scalar))
        add("type", experiment.kind.rawValue)
        add("status", experiment.status.rawValue)
        add("start", experiment.start?.description)
        add("end", experiment.end?.description)
        add("unit", YAMLText.scalar(experiment.unitName))
        add("salt", experiment.salt == experiment.key.rawValue ? nil : YAMLText.scalar(experiment.salt))
        add("currency", experiment.currency)
        add("traffic", NumberText.write(experiment.traffic))
        add("holdout", NumberText.write(experiment.holdout))
        add("namespace", (experiment.slot?.namespace).map(YAMLText.scalar))
        add("slot", experiment.slot.map { "[\(NumberText.write($0.lower)), \(NumberText.write($0.upper))]" })
        add("targeting", experiment.targeting.map(condition))
        add("gate", experiment.kind == .bandit && experiment.gate != .veto ? experiment.gate.rawValue : nil)
        add("activation", experiment.activation.map(activation))
        add("value_type", experiment.valueType?.rawValue)
        add("disclosure", experiment.disclosure.map(YAMLText.scalar))
        add("warm_start", experiment.warmStart.map(warmStart))
        return lines
    }

    private static func reward(_ reward: RewardConfiguration) -> [String] {
        var lines = ["reward:", "  metric: \(reward.metric.rawValue)"]
        if let rate = reward.marginRate { lines.append("  margin_rate: \(NumberText.write(rate))") }
        lines.append("  window: \(DurationText.text(reward.windowSeconds))")
        lines.append("  default: \(NumberText.write(reward.defaultReward))")
        if let range = reward.range { lines.append("  range: \(interval(range))") }
        if reward.learn != .matured { lines.append("  learn: \(reward.learn.rawValue)") }
        return lines
    }

    private static func policy(_ policy: PolicyConfiguration) -> [String] {
        let isUCB = [.linearUCB, .neuralUCB].contains(policy.algorithm)
        var lines = ["policy:", "  algorithm: \(policy.algorithm.rawValue)"]
        func add(_ name: String, _ value: String?) { if let value { lines.append("  \(name): \(value)") } }
        add("probabilities", probabilities(policy))
        add("floor", NumberText.write(policy.floor))
        add("alpha", isUCB ? NumberText.write(policy.alpha) : nil)
        add("variance", policy.variance.map(NumberText.write))
        add("epsilon", policy.algorithm == .epsilonGreedy ? NumberText.write(policy.epsilon) : nil)
        add("temperature", policy.temperature.map(NumberText.write))
        add("gamma", policy.gamma.map(NumberText.write))
        add("beta", policy.algorithm == .topTwoThompson ? NumberText.write(policy.beta) : nil)
        add("imitate", policy.imitate.map(YAMLText.scalar))
        if policy.posterior == .shared {
            add("posterior", policy.posterior.rawValue)
            add("monotone", "\(policy.isMonotone)")
            add("centred", policy.isCentred ? "true" : nil)
        }
        add("forget", policy.forget.map(forgetting))
        add("ridge", policy.ridge == 1 ? nil : NumberText.write(policy.ridge))
        add("publish", DurationText.text(policy.publishSeconds))
        add("seed", policy.seed == 1 ? nil : String(policy.seed))
        add("model", policy.algorithm.hasModel ? model(policy.model) : nil)
        add("retrain", retraining(policy.retrain))
        return lines
    }

    // Parts, which plans show too.

    static func activation(_ activation: Experiment.Activation) -> String {
        var parts: [String] = []
        if let seconds = activation.expireSeconds { parts.append("expire: \(DurationText.text(seconds))") }
        parts.append("activate: \(activation.activate.rawValue)")
        return mapping(parts)
    }

    static func arm(_ arm: Arm) -> String {
        var parts = ["key: \(YAMLText.scalar(arm.key.rawValue))"]
        if let discount = arm.discount { parts.append("discount: \(NumberText.write(discount))") }
        if arm.isControl { parts.append("control: true") }
        if let weight = arm.weight { parts.append("weight: \(NumberText.write(weight))") }
        if let payload = arm.payload { parts.append("payload: \(json(payload))") }
        return mapping(parts)
    }

    static func feature(_ kind: Feature.Kind) -> String {
        switch kind {
        case .number(let missing, let clip, let transform, let scale):
            var parts = ["type: number"]
            switch missing {
            case .value(let value): parts.append("missing: \(NumberText.write(value))")
            case .mean: parts.append("missing: mean")
            case .median: parts.append("missing: median")
            }
            switch clip {
            case .none: break
            case .fixed(let lower, let upper): parts.append("clip: [\(NumberText.write(lower)), \(NumberText.write(upper))]")
            case .percentile(let percentile): parts.append("clip: p\(NumberText.write(percentile))")
            }
            if transform != .identity { parts.append("transform: \(transform.rawValue)") }
            parts.append("scale: \(scale.rawValue)")
            return mapping(parts)
        case .boolean(let missing): return mapping(["type: boolean"] + (missing.map { ["missing: \($0)"] } ?? []))
        case .category(let values, let missing):
            return mapping(["type: category", "values: \(list(values))"] + (missing.map { ["missing: \(YAMLText.scalar($0))"] } ?? []))
        case .hashedCategory(let buckets, let missing):
            return mapping(["type: category", "hash: \(buckets)"] + (missing.map { ["missing: \(YAMLText.scalar($0))"] } ?? []))
        case .cycle(let period): return mapping(["type: cycle", "period: \(NumberText.write(period))"])
        case .sequence(let fields, let length):
            let parts = fields.map { field in
                switch field.kind {
                case .number: "\(YAMLText.scalar(field.name)): number"
                case .hashedCategory(let buckets): "\(YAMLText.scalar(field.name)): {hash: \(buckets)}"
                }
            }
            return mapping(["type: sequence", "of: \(mapping(parts))", "length: \(length)"])
        }
    }

    static func model(_ model: PolicyConfiguration.Model) -> String {
        let standard = PolicyConfiguration.Model()
        var parts = ["kind: \(model.kind.rawValue)"]
        if model.kind != .linear { parts.append("hidden: [\(model.hidden.map(String.init).joined(separator: ", "))]") }
        if model.activation != standard.activation { parts.append("activation: \(model.activation.rawValue)") }
        if model.learningRate != standard.learningRate { parts.append("learning_rate: \(NumberText.write(model.learningRate))") }
        if model.weightDecay != standard.weightDecay { parts.append("weight_decay: \(NumberText.write(model.weightDecay))") }
        if model.batch != standard.batch { parts.append("batch: \(model.batch)") }
        if model.epochs != standard.epochs { parts.append("epochs: \(model.epochs)") }
        if model.patience != standard.patience { parts.append("patience: \(model.patience)") }
        if model.loss != standard.loss { parts.append("loss: \(model.loss.rawValue)") }
        if model.dropout != standard.dropout { parts.append("dropout: \(NumberText.write(model.dropout))") }
        if model.schedule != standard.schedule { parts.append("schedule: \(model.schedule.rawValue)") }
        if let clip = model.clip { parts.append("clip: \(NumberText.write(clip))") }
        if model.layerNorm { parts.append("layer_norm: true") }
        if model.residual { parts.append("residual: true") }
        if model.kind == .cnn || model.kind == .gru {
            if model.units != standard.units { parts.append("units: \(model.units)") }
            if model.kernel != standard.kernel { parts.append("kernel: \(model.kernel)") }
        }
        return mapping(parts)
    }

    static func forgetting(_ forget: PolicyConfiguration.Forgetting) -> String {
        mapping(["factor: \(NumberText.write(forget.factor))", "per: \(DurationText.text(forget.periodSeconds))"])
    }

    static func warmStart(_ start: Experiment.WarmStart) -> String {
        switch start {
        case .experiment(let key): mapping(["from: \(YAMLText.scalar(key.rawValue))"])
        case .file(let path): mapping(["import: \(YAMLText.scalar(path))"])
        }
    }

    static func retraining(_ retrain: PolicyConfiguration.Retraining) -> String {
        mapping([
            "every: \(DurationText.text(retrain.everySeconds))", "minimum_impressions: \(retrain.minimumImpressions)",
            "window: \(DurationText.text(retrain.windowSeconds))",
        ])
    }

    static func probabilities(_ policy: PolicyConfiguration) -> String? {
        guard !policy.probabilities.isEmpty else { return nil }
        return mapping(policy.probabilities.sorted { $0.key < $1.key }.map { "\(key($0.key.rawValue)): \(NumberText.write($0.value))" })
    }

    static func slot(_ slot: Experiment.Slot) -> String {
        "[\(NumberText.write(slot.lower)), \(NumberText.write(slot.upper))] of \(YAMLText.scalar(slot.namespace))"
    }

    static func interval(_ range: ClosedRange<Double>) -> String {
        "[\(NumberText.write(range.lowerBound)), \(NumberText.write(range.upperBound))]"
    }

    static func list(_ texts: [String]) -> String { "[" + texts.map(YAMLText.scalar).joined(separator: ", ") + "]" }

    static func json(_ value: JSONValue) -> String {
        switch value {
        case .null: "null"
        case .boolean(let value): value ? "true" : "false"
        case .number(let value): NumberText.write(value)
        case .string(let value): YAMLText.scalar(value)
        case .array(let values): "[" + values.map(json).joined(separator: ", ") + "]"
        case .object(let members): mapping(members.sorted { $0.key < $1.key }.map { "\(key($0.key)): \(json($0.value))" })
        }
    }

    static func condition(_ condition: Condition) -> String {
        switch condition {
        case .all(let parts): "{$and: [\(parts.map(Self.condition).joined(separator: ", "))]}"
        case .any(let parts): "{$or: [\(parts.map(Self.condition).joined(separator: ", "))]}"
        case .not(let part): "{$not: \(Self.condition(part))}"
        case .feature(let name, let test): "{\(key(name)): \(Self.test(test))}"
        }
    }

    private static func test(_ test: Condition.Test) -> String {
        switch test {
        case .equal(let value): Self.value(value)
        case .notEqual(let value): "{$ne: \(Self.value(value))}"
        case .less(let value): "{$lt: \(Self.value(value))}"
        case .lessOrEqual(let value): "{$lte: \(Self.value(value))}"
        case .greater(let value): "{$gt: \(Self.value(value))}"
        case .greaterOrEqual(let value): "{$gte: \(Self.value(value))}"
        case .oneOf(let values): "{$in: [\(values.map(Self.value).joined(separator: ", "))]}"
        case .noneOf(let values): "{$nin: [\(values.map(Self.value).joined(separator: ", "))]}"
        case .exists(let wanted): "{$exists: \(wanted)}"
        case .matches(let pattern): "{$regex: \(QuotedText.write(pattern))}"
        }
    }

    private static func value(_ value: ContextValue) -> String {
        switch value {
        case .number(let value): NumberText.write(value)
        case .boolean(let value): value ? "true" : "false"
        case .text(let value): YAMLText.scalar(value)
        case .events(let events): "[\(events.count) events]"
        }
    }

    /// A key is read as text whatever it looks like, but an editor need not agree, so the same rule holds as for values.
    private static func key(_ name: String) -> String { YAMLText.scalar(name) }

    private static func mapping(_ parts: [String]) -> String { "{" + parts.joined(separator: ", ") + "}" }
}
