package import HaggleCore

/// What became of one experiment file.
package struct ParsedExperiment: Sendable {
    /// The file's name as the caller gave it.
    package var file: String
    /// Nil as soon as there is any problem. Where the file holds a grid, with its first values.
    package var experiment: Experiment?
    /// Lists of values under `policy.model`, for `haggle train`.
    package var grid: [GridAxis] = []
    /// All of them, in the order of the file.
    package var problems: [Problem]
    /// Where the experiment's key stands.
    var keyPlace: Place
}

/// Reads experiment files: YAML in, a validated `Experiment` or every problem of the file out.
package enum ExperimentFile {
    /// - Parameters:
    ///   - text: the file's content.
    ///   - file: its name, for messages.
    ///   - allowingGrid: whether lists of values under `policy.model` may stand there; what runs cannot have them.
    package static func parse(text: String, file: String, allowingGrid: Bool = false) -> ParsedExperiment {
        let problems = ProblemList(file: file)
        guard let root = YAMLDocument.read(text, problems: problems) else {
            return ParsedExperiment(file: file, experiment: nil, problems: problems.sorted, keyPlace: .start)
        }
        var place = root.place
        var read: (experiment: Experiment, policy: ParsedConfiguration?)?
        if let reader = MappingReader(root, ExperimentKeys.table, path: "", problems: problems) {
            place = reader.place(of: ExperimentKeys.key)
            read = ExperimentReader(reader: reader).experiment()
        }
        if !allowingGrid, let grid = read?.policy?.gridPlace {
            problems.report(
                "policy.model: a list of values is a grid for `haggle train`, which finds the best of them (and writes it with --write FILE); "
                    + "expected one value of each", at: grid)
        }
        return ParsedExperiment(
            file: file, experiment: problems.isEmpty ? read?.experiment : nil, grid: problems.isEmpty ? read?.policy?.grid ?? [] : [],
            problems: problems.sorted, keyPlace: place)
    }

    /// Like the other, for a file's bytes: they must be UTF-8 and at most 1 MiB.
    package static func parse(bytes: [UInt8], file: String, allowingGrid: Bool = false) -> ParsedExperiment {
        let result = YAMLDocument.text(bytes, file: file)
        switch result {
        case .success(let text): return parse(text: text, file: file, allowingGrid: allowingGrid)
        case .failure(let error): return ParsedExperiment(file: file, experiment: nil, problems: [error.problem], keyPlace: .start)
        }
    }

    /// What is wrong between files that are right by themselves: the same key in two of them.
    package static func conflicts(between parsed: [ParsedExperiment]) -> [Problem] {
        var first: [ExperimentKey: ParsedExperiment] = [:]
        var problems: [Problem] = []
        for file in parsed {
            guard let key = file.experiment?.key else { continue }
            if let other = first[key] {
                problems.append(
                    Problem(
                        file: file.file, line: file.keyPlace.line, column: file.keyPlace.column,
                        message: "experiment '\(key)' is already defined in \(other.file):\(other.keyPlace.line)"))
            } else {
                first[key] = file
            }
        }
        return problems
    }
}

/// Reads the keys of an experiment and checks them against each other.
private struct ExperimentReader {
    let reader: MappingReader
    private typealias Keys = ExperimentKeys

    private var problems: ProblemList { reader.problems }

    /// - Returns: nil where a value is missing that everything hangs on; otherwise a value, which only counts if no problem was reported.
    func experiment() -> (experiment: Experiment, policy: ParsedConfiguration?)? {
        let key = reader(Keys.key)
        let kind = reader(Keys.type)
        let arms = reader(Keys.arms) ?? []
        let read = reader(Keys.context)
        var context = read ?? FeatureSchema()
        let reward = reader(Keys.reward)
        let parsed = reader(Keys.policy)
        var policy = parsed?.policy
        // Of every bandit, also of one that does not learn yet: a log without them could not teach its successor.
        let wantsTime = reader(Keys.timeFeatures) ?? true
        if kind == .bandit, wantsTime { context.features += TimeFeatures.features }
        if policy?.posterior == .shared, parsed?.saysMonotone == false { policy?.isMonotone = reward?.reward.metric == .conversion }
        let start = reader(Keys.start)
        let end = reader(Keys.end)
        checkTimes(start, end)
        checkArms(arms, metric: reward?.reward.metric)
        checkForbidden(reader(Keys.forbiddenFeatures) ?? [], context)
        checkPolicy(policy, arms: arms, reward: reward)
        // What a context that could not be read holds is not known.
        let isKnown = read != nil || !reader.has(Keys.context)
        checkModel(parsed, context: isKnown ? context : nil, metric: reward?.reward.metric)
        checkKind(kind, arms: arms, reward: reward?.reward)
        let gate = reader(Keys.gate)
        var experiment = Experiment(
            key: key ?? "", kind: kind ?? .bandit, arms: arms.compactMap(\.arm), context: context,
            reward: reward?.reward ?? RewardConfiguration(metric: .value, windowSeconds: 1), policy: policy)
        experiment.description = reader(Keys.description) ?? ""
        experiment.owner = reader(Keys.owner)
        experiment.status = reader(Keys.status) ?? experiment.status
        experiment.start = start
        experiment.end = end
        experiment.unitName = reader(Keys.unit) ?? experiment.unitName
        experiment.salt = reader(Keys.salt) ?? experiment.salt
        experiment.currency = reader(Keys.currency)
        experiment.traffic = reader(Keys.traffic) ?? experiment.traffic
        experiment.holdout = reader(Keys.holdout) ?? experiment.holdout
        experiment.slot = slot()
        experiment.targeting = reader(Keys.targeting)
        experiment.gate = gate ?? experiment.gate
        experiment.disclosure = reader(Keys.disclosure)
        experiment.warmStart = reader(Keys.warmStart)
        experiment.activation = reader(Keys.activation)
        experiment.valueType = reader(Keys.valueType)
        checkValues(arms, type: experiment.valueType)
        if kind == .ab { fillWeights(&experiment.arms) }
        guard key != nil, kind != nil, reward != nil else { return nil }
        return (experiment, parsed)
    }

    /// What the model asks of the context and of the metric.
    /// - Parameter context: nil where the file's could not be read.
    private func checkModel(_ parsed: ParsedConfiguration?, context: FeatureSchema?, metric: RewardConfiguration.Metric?) {
        guard let parsed, let node = reader.node(of: Keys.policy), case .mapping(let entries) = node.content else { return }
        func place(_ name: String) -> Place { entries.first { $0.key == name }?.value.place ?? node.place }
        let policy = parsed.policy
        var (kinds, losses) = ([policy.model.kind], [policy.model.loss])
        for setting in parsed.grid.flatMap(\.values) {
            if case .kind(let kind) = setting { kinds.append(kind) }
            if case .loss(let loss) = setting { losses.append(loss) }
        }
        let hasSequence = context?.features.contains { if case .sequence = $0.kind { true } else { false } } ?? true
        if let kind = kinds.first(where: { $0 == .cnn || $0 == .gru }), !hasSequence {
            problems.report(
                "policy.model.kind: \(kind.rawValue) reads past events; expected a feature of type sequence under context, found none; add one or write kind: mlp",
                at: place("model"))
        }
        if losses.contains(.bernoulli), let metric, metric != .conversion {
            problems.report(
                "policy.model.loss: bernoulli is for metric: conversion, found metric: \(metric.rawValue); did you mean two-part?",
                at: place("model"))
        }
        if losses.contains(.twoPart), metric == .conversion {
            problems.report(
                "policy.model.loss: two-part is for money, found metric: conversion; did you mean bernoulli?", at: place("model"))
        }
        if policy.isMonotone, policy.posterior == .shared, let metric, metric != .conversion {
            problems.report(
                "policy.monotone: a deeper discount never lowers conversion, but it may lower \(metric.rawValue); expected metric: conversion "
                    + "beside it; remove the key", at: place("monotone"))
        }
        if policy.algorithm == .bernoulliThompson, let metric, metric != .conversion {
            problems.report(
                "policy.algorithm: bernoulli-thompson counts conversions; expected metric: conversion, found \(metric.rawValue)",
                at: place("algorithm"))
        }
        if let feature = policy.imitate, let context, context[feature] == nil {
            problems.report(
                "policy.imitate: there is no feature '\(feature)' under context"
                    + Suggestion.hint(for: feature, among: context.features.map(\.name)), at: place("imitate"))
        }
    }

    private func checkTimes(_ start: Timestamp?, _ end: Timestamp?) {
        guard let start, let end, start >= end else { return }
        problems.report("end: expected a time after the start \(start), found \(end)", at: reader.place(of: Keys.end))
    }

    private func slot() -> Experiment.Slot? {
        let namespace = reader(Keys.namespace)
        let range = reader(Keys.slot)
        if reader.has(Keys.namespace) != reader.has(Keys.slot) {
            let (given, missing) = reader.has(Keys.slot) ? ("slot", "namespace") : ("namespace", "slot")
            let place = reader.has(Keys.slot) ? reader.keyPlace(of: Keys.slot) : reader.keyPlace(of: Keys.namespace)
            problems.report("'\(given)' needs '\(missing)' beside it: namespace: NAME and slot: [lower, upper]", at: place)
        }
        guard let namespace, let range else { return nil }
        return Experiment.Slot(namespace: namespace, lower: range.lowerBound, upper: range.upperBound)
    }

    private func checkArms(_ arms: [ParsedArm], metric: RewardConfiguration.Metric?) {
        var first: [ArmKey: Place] = [:]
        for parsed in arms {
            guard let key = parsed.arm?.key else { continue }
            if let other = first[key] {
                problems.report("\(parsed.path).key: duplicate arm '\(key)', already given in line \(other.line)", at: parsed.keyPlace)
            } else {
                first[key] = parsed.keyPlace
            }
        }
        let controls = arms.filter { $0.arm?.isControl == true }
        if controls.isEmpty, !arms.isEmpty, arms.allSatisfy({ $0.arm != nil && !$0.hasUnreadableControl }) {
            problems.report(
                "arms: expected exactly one control arm, found none; write control: true on the arm to fall back to",
                at: reader.keyPlace(of: Keys.arms))
        }
        for other in controls.dropFirst() {
            let name = controls[0].arm.map { "'\($0.key)'" } ?? "another"
            problems.report("\(other.path).control: expected exactly one control arm, but \(name) is one already", at: other.controlPlace)
        }
        guard metric == .margin else { return }
        for parsed in arms {
            if !parsed.hasDiscount {
                problems.report(
                    "\(parsed.path): an arm needs a 'discount' where the metric is margin (0 for the full price)", at: parsed.place)
            } else if parsed.arm?.discount == 1 {
                problems.report(
                    "\(parsed.path).discount: expected less than 1 where the metric is margin, because the list price cannot be told from what "
                        + "was paid, found 1", at: parsed.discountPlace)
            }
        }
    }

    /// Every arm must have what OpenFeature clients are to get.
    private func checkValues(_ arms: [ParsedArm], type: Experiment.ValueType?) {
        for parsed in arms {
            guard let arm = parsed.arm else { continue }
            switch type {
            case .number where arm.discount == nil:
                problems.report(
                    "\(parsed.path): value_type: number gives OpenFeature clients the arm's discount; expected a 'discount', or value_type: string",
                    at: parsed.place)
            case .object:
                if case .object? = arm.payload { continue }
                problems.report(
                    "\(parsed.path): value_type: object gives OpenFeature clients the arm's payload; expected a mapping under 'payload'",
                    at: parsed.place)
            case .number, .string, .boolean, nil: continue
            }
        }
    }

    private func checkForbidden(_ forbidden: [String], _ context: FeatureSchema) {
        guard !forbidden.isEmpty, case .mapping(let entries) = reader.node(of: Keys.context)?.content else { return }
        let names = Set(forbidden)
        for entry in entries where names.contains(entry.key) {
            problems.report("context.\(entry.key): this feature is listed under forbidden_features; remove it", at: entry.keyPlace)
        }
    }

    private func checkPolicy(_ policy: PolicyConfiguration?, arms: [ParsedArm], reward: ParsedReward?) {
        guard let policy, let node = reader.node(of: Keys.policy), case .mapping(let entries) = node.content else { return }
        func child(_ name: String) -> YAMLNode? { entries.first { $0.key == name }?.value }
        func place(_ name: String) -> Place { child(name)?.place ?? node.place }
        if !arms.isEmpty, policy.floor * Double(arms.count) > 1 + 1e-12 {
            problems.report(
                "policy.floor: \(NumberText.write(policy.floor)) times \(arms.count) arms is \(Words.rounded(policy.floor * Double(arms.count))); "
                    + "expected at most 1 (a floor of at most \(Words.rounded((1e6 / Double(arms.count)).rounded(.down) / 1e6)))",
                at: place("floor"))
        }
        let keys = Set(arms.compactMap { $0.arm?.key })
        if arms.allSatisfy({ $0.arm != nil }) {
            for arm in policy.probabilities.keys.sorted() where !keys.contains(arm) {
                problems.report(
                    "policy.probabilities: there is no arm '\(arm)'"
                        + Suggestion.hint(for: arm.rawValue, among: arms.compactMap { $0.arm?.key.rawValue }),
                    at: place("probabilities"))
            }
        }
        if let reward, policy.algorithm.learns, policy.retrain.windowSeconds <= reward.reward.windowSeconds {
            var window = child("retrain")?.place
            if case .mapping(let retrain) = child("retrain")?.content { window = retrain.first { $0.key == "window" }?.value.place }
            problems.report(
                "policy.retrain.window: expected more than the reward's window of \(DurationText.text(reward.reward.windowSeconds)), because only "
                    + "rewards whose window has closed train; found \(DurationText.text(policy.retrain.windowSeconds))",
                at: window ?? reward.windowPlace)
        }
    }

    private func checkKind(_ kind: Experiment.Kind?, arms: [ParsedArm], reward: RewardConfiguration?) {
        let sticky = reader(Keys.sticky)
        let analysis = reader(Keys.analysis)
        switch kind {
        case .bandit:
            if !reader.has(Keys.policy) {
                problems.report("an experiment of type bandit needs a 'policy'", at: reader.place(of: Keys.type))
            }
            if sticky == true {
                problems.report("sticky: true is not supported yet for bandits; remove it", at: reader.keyPlace(of: Keys.sticky))
            }
            if reader.has(Keys.analysis) {
                problems.report("'analysis' belongs to experiments of type ab; remove it", at: reader.keyPlace(of: Keys.analysis))
            }
            for arm in arms where arm.hasWeight {
                problems.report(
                    "\(arm.path).weight: weights belong to experiments of type ab; a bandit's policy decides", at: arm.weightPlace)
            }
        case .ab:
            if reader.has(Keys.policy) {
                problems.report(
                    "an experiment of type ab has no policy: the weights of its arms split the units; remove it or write type: bandit",
                    at: reader.keyPlace(of: Keys.policy))
            }
            for key in [Keys.gate.name, Keys.timeFeatures.name, Keys.warmStart.name] where reader.has(key) {
                problems.report("'\(key)' belongs to experiments of type bandit; remove it", at: reader.keyPlace(of: key))
            }
            if sticky == false {
                problems.report("sticky: an experiment of type ab is always sticky; remove the key", at: reader.keyPlace(of: Keys.sticky))
            }
            if let analysis, let metric = analysis.metric, let reward, metric != reward.metric {
                problems.report(
                    "analysis.metric: analysing another metric than reward.metric (\(reward.metric.rawValue)) is not supported yet; remove it",
                    at: analysis.metricPlace)
            }
            checkWeights(arms)
        case nil: break
        }
    }

    private func checkWeights(_ arms: [ParsedArm]) {
        guard arms.contains(where: \.hasWeight) else { return }
        let without = arms.filter { !$0.hasWeight }
        for arm in without {
            problems.report("\(arm.path): the weight is missing; expected a weight on every arm or on none", at: arm.place)
        }
        let weights = arms.compactMap { $0.arm?.weight }
        guard without.isEmpty, weights.count == arms.count else { return }
        let sum = weights.reduce(0, +)
        if abs(sum - 1) > 1e-6 {
            problems.report(
                "arms: expected weights that sum to 1, found a sum of \(Words.rounded(sum))", at: reader.keyPlace(of: Keys.arms))
        }
    }

    /// Weights that are left out are even, and stand in the value, so that nothing downstream needs to know the rule.
    private func fillWeights(_ arms: inout [Arm]) {
        guard arms.allSatisfy({ $0.weight == nil }) else { return }
        for index in arms.indices { arms[index].weight = 1 / Double(arms.count) }
    }
}
