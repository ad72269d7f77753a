import HaggleCore

/// The keys of an experiment file.
enum ExperimentKeys {
    static let table = Table(
        "an experiment",
        [
            key, description, owner, type, status, start, end, unit, salt, currency, traffic, holdout, namespace, slot, targeting, sticky,
            gate, activation, valueType, disclosure, forbiddenFeatures, arms, context, timeFeatures, reward, policy, warmStart, analysis,
        ],
        later: ["hold", "retention", "pseudonymise", "encrypt"])

    static let key = Key("experiment", .experimentKey, "The experiment's key: lower-case letters, digits and '-'.", required: true)
    static let description = Key("description", Shape<String>.text(limit: 4000, lines: true), "The question that the experiment answers.")
    static let owner = Key("owner", Shape<String>.text(), "Who answers for it.")
    static let type = Key(
        "type", Shape<Experiment.Kind>.choice(), "bandit: a policy learns which arm earns most; ab: fixed shares of the units.",
        required: true)
    static let status = Key(
        "status", Shape<Experiment.Status>.choice(), "Everybody gets control unless it is running.", default: .string("running"))
    static let start = Key("start", Shape<Timestamp>.time, "Before this moment everybody gets control.")
    static let end = Key("end", Shape<Timestamp>.time, "From this moment on everybody gets control.")
    static let unit = Key("unit", Shape<String>.text(), "Who is randomised, as documentation.", default: .string("unit"))
    static let salt = Key(
        "salt", Shape<String>.text(), "Seed of the cuts and the draw; another salt deals the units anew. Default: the key.")
    static let currency = Key(
        "currency",
        Shape<String>.word("a currency of three capital letters such as EUR", pattern: "^[A-Z]{3}$") { text in
            text.utf8.count == 3 && text.utf8.allSatisfy { (65...90).contains($0) }
        }, "Currency of all amounts (ISO 4217).")
    static let traffic = Key(
        "traffic", Shape<Double>.share, "Share of the units that take part, in steps of 0.0001; raising it moves nobody between variants.",
        default: .number(1))
    static let holdout = Key(
        "holdout", Shape<Double>.share, "Share of all units kept on control for ever, to measure the lift; in steps of 0.0001.",
        default: .number(0))
    static let namespace = Key("namespace", Shape<String>.text(), "Experiments of one namespace with disjoint slots share no unit.")
    static let slot = Key(
        "slot", Shape<ClosedRange<Double>>.interval("[lower, upper] from 0 to 1", within: .closed(0...1)),
        "This experiment's part of the namespace: [lower, upper].")
    static let targeting = Key(
        "targeting", Shape<Condition>.condition, "Conditions on the context in GrowthBook's syntax; units that fail them get control.")
    static let sticky = Key(
        "sticky", Shape<Bool>.boolean, "A unit keeps its arm. Always true for ab; not supported yet for bandits.")
    static let gate = Key(
        "gate", Shape<Experiment.Gate>.choice(),
        "What a newly fitted network must pass before it serves: veto unless it is shown to earn less, prove that it earns more, or off.",
        default: .string("veto"))
    static let activation = Key(
        "activation", .activation, "When a deferred assignment counts: {expire: 30m, activate: explicit | on-evaluate}.")
    static let valueType = Key(
        "value_type", Shape<Experiment.ValueType>.choice(),
        "What OpenFeature clients get: number is the discount, string the arm's key, boolean whether it is not control, object its payload."
    )
    static let disclosure = Key("disclosure", Shape<String>.text(limit: 4000, lines: true), "Text returned with every assignment.")
    static let forbiddenFeatures = Key(
        "forbidden_features", Shape<[String]>.distinctTexts("feature names", count: 1...4096), "Features that must not stand under context."
    )
    static let arms = Key(
        "arms", Shape<[ParsedArm]>.list(of: .arm, "arms", count: 2...1000), "The options; exactly one is the control.", required: true)
    static let context = Key("context", Shape<FeatureSchema>.context, "What is known about the unit at the moment of choice.")
    static let timeFeatures = Key(
        "time_features", Shape<Bool>.boolean,
        "Of bandits: whether hour, weekday and season of the moment (UTC) are features too.",
        default: .boolean(true))
    static let warmStart = Key(
        "warm_start", .warmStart, "What a new bandit learns from before its first impression: {from: EXPERIMENT} or {import: FILE}.")
    static let reward = Key("reward", .reward, "The number that is learned from.", required: true)
    static let policy = Key("policy", Shape<ParsedConfiguration>.servingPolicy, "How a bandit chooses; A/B experiments have none.")
    static let analysis = Key("analysis", .analysis, "Of ab: what the report compares.")
}

/// The keys of one entry under `arms:`.
enum ArmKeys {
    static let table = Table("an arm", [key, discount, control, payload, weight], later: ["features"])

    static let key = Key("key", .armKey, "The arm's name, unique within the experiment.", required: true)
    static let discount = Key(
        "discount", Shape<Double>.number(.closed(0...1)),
        "Share of the list price taken off: 0.10 is 10 % off. Needed where the metric is margin.")
    static let control = Key("control", Shape<Bool>.boolean, "Whether this is the arm to fall back to.", default: .boolean(false))
    static let payload = Key("payload", .anything, "Passed to the client unread.")
    static let weight = Key(
        "weight", Shape<Double>.number(.above(0, upTo: 1)),
        "Of ab: share of the units; on all arms, summing to 1, or on none for even shares.")
}

/// The keys of the mapping under `reward:`.
enum RewardKeys {
    static let table = Table("a reward", [metric, marginRate, window, defaultReward, range, learn])

    static let metric = Key(
        "metric", Shape<RewardConfiguration.Metric>.choice(),
        "What is computed from an impression's conversions; value is the sum of their values as sent.", required: true)
    static let marginRate = Key(
        "margin_rate", Shape<Double>.number(.above(0, upTo: 1)),
        "Margin of a full-price sale as a share of the list price; needed by margin.")
    static let window = Key("window", Shape<Double>.duration, "Time after the impression in which a conversion counts.", required: true)
    static let defaultReward = Key("default", Shape<Double>.number(), "Reward of an impression without a conversion.", default: .number(0))
    static let range = Key(
        "range", Shape<ClosedRange<Double>>.interval("[lower, upper]"), "Bounds of the reward, for intervals that need them declared.")
    static let learn = Key(
        "learn", Shape<RewardConfiguration.LearningMode>.choice(),
        "When a reward is learned from: once its window has closed (matured), or as conversions arrive, corrected for those still to come (early).",
        default: .string("matured"))
}

/// The keys of the mapping under `activation:`.
enum ActivationKeys {
    static let table = Table("the rule", [expire, activate])

    static let expire = Key(
        "expire", Shape<Double>.duration, "An activation that comes later after its impression does not count. Default: no limit.")
    static let activate = Key(
        "activate", Shape<Experiment.Activation.Moment>.choice(),
        "explicit: by a request of its own; on-evaluate: also when an OpenFeature client evaluates this one flag.",
        default: .string("explicit"))
}

extension Shape where Value == Experiment.Activation {
    static let activation = Self(schema: ActivationKeys.table.schema) { node, path, problems in
        guard let reader = MappingReader(node, ActivationKeys.table, path: path, problems: problems) else { return nil }
        return Experiment.Activation(expireSeconds: reader(ActivationKeys.expire), activate: reader(ActivationKeys.activate) ?? .explicit)
    }
}

/// The keys of the mapping under `warm_start:`.
enum WarmStartKeys {
    static let table = Table("warm_start", [from, file])

    static let from = Key("from", .experimentKey, "The experiment whose log is learned from.")
    static let file = Key("import", Shape<String>.text(limit: 4096), "A log file as `haggle import` reads it, CSV or NDJSON.")
}

extension Shape where Value == Experiment.WarmStart {
    static let warmStart = Self(schema: WarmStartKeys.table.schema) { node, path, problems in
        guard let reader = MappingReader(node, WarmStartKeys.table, path: path, problems: problems) else { return nil }
        let from = reader(WarmStartKeys.from)
        let file = reader(WarmStartKeys.file)
        guard reader.has(WarmStartKeys.from) != reader.has(WarmStartKeys.file) else {
            problems.report("\(path): expected either from: EXPERIMENT or import: FILE", at: reader.place)
            return nil
        }
        return from.map { .experiment($0) } ?? file.map { .file($0) }
    }
}

/// The keys of the mapping under `analysis:`.
enum AnalysisKeys {
    static let table = Table("analysis", [metric], later: ["covariates"])

    static let metric = Key(
        "metric", Shape<RewardConfiguration.Metric>.choice(), "The metric compared between the arms; default: the reward's.")
}

/// What the file says about the analysis, with the place for messages.
struct ParsedAnalysis: Sendable {
    var metric: RewardConfiguration.Metric?
    var metricPlace: Place
}

/// One arm as it stands in the file, with the places that rules between arms need.
struct ParsedArm: Sendable {
    var arm: Arm?
    var path: String
    var place: Place
    var keyPlace: Place
    var hasDiscount: Bool
    var discountPlace: Place
    var hasWeight: Bool
    var weightPlace: Place
    var controlPlace: Place
    /// `control` has a value that is neither true nor false, so that nobody knows whether this is the control arm.
    var hasUnreadableControl: Bool
}

/// The mapping under `reward:`, with the places that later rules need.
struct ParsedReward: Sendable {
    var reward: RewardConfiguration
    var windowPlace: Place
}

extension Shape where Value == ExperimentKey {
    static let experimentKey = Shape<String>.word(
        "a key of lower-case letters, digits and '-' (1 to 64 characters, beginning and ending with a letter or digit)",
        pattern: "^[a-z0-9]([a-z0-9-]{0,62}[a-z0-9])?$"
    ) { text in
        let isWord = { (byte: UInt8) in (97...122).contains(byte) || (48...57).contains(byte) }
        guard let first = text.utf8.first, let last = text.utf8.last, text.utf8.count <= 64 else { return false }
        return isWord(first) && isWord(last) && text.utf8.allSatisfy { isWord($0) || $0 == UInt8(ascii: "-") }
    }.map { ExperimentKey($0) }
}

extension Shape where Value == ArmKey {
    /// More liberal than an experiment's key, because imported logs bring their own names for arms.
    static let armKey = Shape<String>.word(
        "a name of 1 to 128 characters without control characters and without blanks at its ends", pattern: "^\\S(.{0,126}\\S)?$"
    ) { text in
        guard let first = text.unicodeScalars.first, let last = text.unicodeScalars.last, text.unicodeScalars.count <= 128 else {
            return false
        }
        return !first.properties.isWhitespace && !last.properties.isWhitespace
            && !text.unicodeScalars.contains { $0.properties.generalCategory == .control }
    }.map { ArmKey($0) }
}

extension Shape where Value == ParsedArm {
    static let arm = Self(schema: ArmKeys.table.schema) { node, path, problems in
        guard let reader = MappingReader(node, ArmKeys.table, path: path, problems: problems) else { return nil }
        let key = reader(ArmKeys.key)
        let discount = reader(ArmKeys.discount)
        let isControl = reader(ArmKeys.control)
        let payload = reader(ArmKeys.payload)
        let weight = reader(ArmKeys.weight)
        return ParsedArm(
            arm: key.map { Arm(key: $0, discount: discount, isControl: isControl ?? false, payload: payload, weight: weight) }, path: path,
            place: reader.place, keyPlace: reader.place(of: ArmKeys.key), hasDiscount: reader.has(ArmKeys.discount),
            discountPlace: reader.place(of: ArmKeys.discount), hasWeight: reader.has(ArmKeys.weight),
            weightPlace: reader.keyPlace(of: ArmKeys.weight), controlPlace: reader.keyPlace(of: ArmKeys.control),
            hasUnreadableControl: reader.has(ArmKeys.control) && isControl == nil)
    }
}

extension Shape where Value == ParsedReward {
    static let reward = Self(schema: RewardKeys.table.schema) { node, path, problems in
        guard let reader = MappingReader(node, RewardKeys.table, path: path, problems: problems) else { return nil }
        let metric = reader(RewardKeys.metric)
        let marginRate = reader(RewardKeys.marginRate)
        let window = reader(RewardKeys.window)
        let defaultReward = reader(RewardKeys.defaultReward) ?? 0
        let range = reader(RewardKeys.range)
        let learn = reader(RewardKeys.learn) ?? .matured
        if metric == .margin, !reader.has(RewardKeys.marginRate) {
            problems.report(
                "\(path): metric: margin needs 'margin_rate', the margin of a full-price sale as a share of the list price (0.35 for 35 %)",
                at: reader.place(of: RewardKeys.metric))
        }
        if let range, !range.contains(defaultReward) {
            problems.report(
                "\(reader.path(of: RewardKeys.range)): expected a range that contains the default reward \(NumberText.write(defaultReward)), "
                    + "found [\(NumberText.write(range.lowerBound)), \(NumberText.write(range.upperBound))]",
                at: reader.place(of: RewardKeys.range))
        }
        guard let metric, let window else { return nil }
        return ParsedReward(
            reward: RewardConfiguration(
                metric: metric, marginRate: marginRate, windowSeconds: window, defaultReward: defaultReward, range: range, learn: learn),
            windowPlace: reader.place(of: RewardKeys.window))
    }
}

extension Shape where Value == ParsedAnalysis {
    static let analysis = Self(schema: AnalysisKeys.table.schema) { node, path, problems in
        guard let reader = MappingReader(node, AnalysisKeys.table, path: path, problems: problems) else { return nil }
        return ParsedAnalysis(metric: reader(AnalysisKeys.metric), metricPlace: reader.place(of: AnalysisKeys.metric))
    }
}

extension Shape where Value == JSONValue {
    /// Whole numbers beyond 2^53 would reach the client changed.
    private static let exactLimit = 9_007_199_254_740_992.0

    /// Any tree of values.
    static let anything: Shape<JSONValue> = Self(schema: .object([] as [OrderedJSON.Member])) { node, path, problems in
        switch node.content {
        case .refused: return nil
        case .sequence(let items):
            return .array(items.enumerated().compactMap { anything.read($0.element, "\(path)[\($0.offset)]", problems) })
        case .mapping(let entries):
            var object: [String: JSONValue] = [:]
            for entry in entries { object[entry.key] = anything.read(entry.value, "\(path).\(YAMLNode.shortened(entry.key))", problems) }
            return .object(object)
        case .scalar(let text, _):
            switch node.scalar {
            case .null, nil: return .null
            case .boolean(let value): return .boolean(value)
            case .text(let value): return .string(value)
            case .number(let value):
                guard value.isFinite, abs(value) < exactLimit else {
                    problems.report(
                        "\(path): \(YAMLNode.shortened(text)) does not fit a 64-bit float exactly; write it in quotes to pass it on as text",
                        at: node.place)
                    return nil
                }
                return .number(value)
            }
        }
    }
}
