import HaggleCore

/// The keys of the mapping under `policy:`.
enum PolicyKeys {
    typealias Algorithm = PolicyConfiguration.Algorithm

    /// Of policy files.
    static let table = Table(
        "a policy",
        [
            algorithm, probabilities, imitate, floor, alpha, variance, epsilon, temperature, gamma, beta, ridge, posterior, monotone,
            centred,
            forget, publish, seed, model, retrain,
        ])
    /// Of experiments, as editors are told of it: what can serve.
    static let servingTable = Table(
        table.what, table.keys.map { $0.name == algorithm.name ? servingAlgorithm : $0 })

    static let algorithm = Key(
        "algorithm", Shape<Algorithm>.choice(), "How the next arm is chosen.", required: true)
    static let servingAlgorithm = Key("algorithm", Shape<Algorithm>.servingAlgorithm, "How the next arm is chosen.", required: true)
    static let probabilities = Key(
        "probabilities", .probabilities,
        "Of `fixed` and `apprentice`: a probability for each arm, summing to 1. Without it the control arm is certain.")
    static let imitate = Key(
        "imitate", Shape<String>.text(limit: 128),
        "Of `apprentice`: the feature whose value names the arm that the shop's own rule would give.")
    static let floor = Key(
        "floor", Shape<Double>.number(.closed(0...1)),
        "Least probability of each eligible arm, for exploration and for off-policy evaluation; floor times the number of arms is at most 1.",
        default: .number(0))
    static let alpha = Key(
        "alpha", Shape<Double>.number(.atLeast(0)), "Of the UCB algorithms: width of the confidence bound in standard deviations.",
        default: .number(1))
    static let variance = Key(
        "variance", Shape<Double>.number(.above(0)),
        "Of the Thompson and UCB algorithms: noise variance of a standardised reward. Without it the variance is estimated.")
    static let epsilon = Key(
        "epsilon", Shape<Double>.number(.closed(0...1)), "Of `epsilon-greedy`: share of uniform exploration.", default: .number(0.1))
    static let temperature = Key(
        "temperature", Shape<Double>.number(.above(0)),
        "Of `softmax`, `ipw` and `dr`: scores go through a softmax after division by it. Default: 0.1 of `softmax`, where scores are in standard deviations of the reward; without it the largest score of the others gets everything."
    )
    static let gamma = Key(
        "gamma", Shape<Double>.number(.above(0)),
        "Of `square-cb`: the larger, the greedier. Without it the value grows with the root of the number of impressions.")
    static let beta = Key(
        "beta", Shape<Double>.number(.closed(0...1)), "Of `top-two-thompson`: probability of the leader.", default: .number(0.5))
    static let ridge = Key("ridge", Shape<Double>.number(.above(0)), "Prior precision of the posterior.", default: .number(1))
    static let posterior = Key(
        "posterior", Shape<PolicyConfiguration.Posterior>.choice(),
        "disjoint: one regression per arm; shared: one for all arms with the discount depth among its features, so that an arm borrows from its neighbours.",
        default: .string("disjoint"))
    static let monotone = Key(
        "monotone", Shape<Bool>.boolean,
        "Of `posterior: shared`: a deeper discount never predicts less conversion. Default: true where the metric is conversion.")
    static let centred = Key(
        "centred", Shape<Bool>.boolean,
        "Of `posterior: shared`: what all arms share at a time, such as a busy Friday, is kept out of what they differ by.",
        default: .boolean(false))
    static let forget = Key("forget", .forgetting, "Old impressions count less: {factor: 0.98, per: 1d}. Without it all count the same.")
    static let publish = Key(
        "publish", Shape<Double>.duration, "Time between published increments of the posterior.", default: .string("1m"))
    static let seed = Key("seed", Shape<Int>.integer(0...Int.max), "Seed of everything random in training.", default: .number(1))
    static let model = Key("model", .model, "The reward model; default: mlp for the neural algorithms, linear for the others.")
    static let retrain = Key("retrain", .retraining, "When the network is fitted anew.")
}

/// The keys of the mapping under `policy.retrain:`.
enum RetrainKeys {
    static let table = Table("retrain", [every, minimumImpressions, window])

    static let every = Key("every", Shape<Double>.duration, "Time between retrainings.", default: .string("1h"))
    static let minimumImpressions = Key(
        "minimum_impressions", Shape<Int>.integer(1...1_000_000_000), "No retraining before this many matured impressions.",
        default: .number(2000))
    static let window = Key(
        "window", Shape<Double>.duration, "Only impressions of this last span of time train; longer than the reward's window.",
        default: .string("90d"))
}

/// The keys of the mapping under `policy.forget:`.
enum ForgetKeys {
    static let table = Table("forget", [factor, per])

    static let factor = Key(
        "factor", Shape<Double>.number(.above(0, upTo: 1)), "Weight of an impression that is one period old.", required: true)
    static let per = Key("per", Shape<Double>.duration, "Length of a period.", default: .string("1d"))
}

extension PolicyConfiguration.Algorithm {
    /// Whether the algorithm works on a network's last hidden layer.
    var isNeural: Bool { self == .neuralThompson || self == .neuralUCB }
    /// Whether the algorithm works on the encoded context itself.
    var isLinear: Bool { self == .linearThompson || self == .linearUCB }
    /// Whether rewards change what it does.
    var learns: Bool { self != .fixed && self != .uniform }
    /// Whether a model of the reward stands behind it. `ipw` maximises an estimate that needs none.
    var hasModel: Bool { learns && self != .ipw && self != .bernoulliThompson }
    /// Whether it works on a posterior over what the context and the arm say.
    var hasPosterior: Bool { hasModel && self != .dr }

    /// The twin with the other kind of model.
    fileprivate var counterpart: Self? {
        switch self {
        case .linearThompson: .neuralThompson
        case .linearUCB: .neuralUCB
        case .neuralThompson: .linearThompson
        case .neuralUCB: .linearUCB
        default: nil
        }
    }
}

extension Shape where Value == [ArmKey: Double] {
    static let probabilities = Self(
        schema: .object([
            "type": .string("object"), "minProperties": .number(1), "additionalProperties": Shape<Double>.number(.closed(0...1)).schema,
        ])
    ) { node, path, problems in
        guard case .mapping(let entries) = node.content, !entries.isEmpty else {
            problems.mismatch(path, expected: "a mapping from arms to probabilities", node)
            return nil
        }
        var result: [ArmKey: Double] = [:]
        for entry in entries {
            result[ArmKey(entry.key)] = Shape<Double>.number(.closed(0...1)).read(entry.value, "\(path).\(entry.key)", problems)
        }
        guard result.count == entries.count else { return nil }
        // In the order of the file, so that the sum does not depend on how a dictionary is laid out.
        let sum = entries.reduce(0) { $0 + (result[ArmKey($1.key)] ?? 0) }
        if abs(sum - 1) > 1e-6 {
            problems.report("\(path): expected probabilities that sum to 1, found a sum of \(Words.rounded(sum))", at: node.place)
        }
        return result
    }
}

extension Shape where Value == PolicyConfiguration.Retraining {
    static let retraining = Self(schema: RetrainKeys.table.schema) { node, path, problems in
        guard let reader = MappingReader(node, RetrainKeys.table, path: path, problems: problems) else { return nil }
        var retrain = PolicyConfiguration.Retraining()
        retrain.everySeconds = reader(RetrainKeys.every) ?? retrain.everySeconds
        retrain.minimumImpressions = reader(RetrainKeys.minimumImpressions) ?? retrain.minimumImpressions
        retrain.windowSeconds = reader(RetrainKeys.window) ?? retrain.windowSeconds
        return retrain
    }
}

extension Shape where Value == PolicyConfiguration.Forgetting {
    static let forgetting = Self(schema: ForgetKeys.table.schema) { node, path, problems in
        guard let reader = MappingReader(node, ForgetKeys.table, path: path, problems: problems) else { return nil }
        return reader(ForgetKeys.factor).map {
            PolicyConfiguration.Forgetting(factor: $0, periodSeconds: reader(ForgetKeys.per) ?? 86_400)
        }
    }
}

/// What the mapping under `policy:` says.
struct ParsedConfiguration: Sendable {
    /// Of a grid the first values.
    var policy: PolicyConfiguration
    /// Lists of values under `model:`; empty where there is none.
    var grid: [GridAxis] = []
    /// Where the first list stands.
    var gridPlace: Place?
    /// Whether the file says something of `monotone`.
    var saysMonotone = false
}

extension Shape where Value == ParsedConfiguration {
    static let policy = Self(schema: PolicyKeys.table.schema) { node, path, problems in
        MappingReader(node, PolicyKeys.table, path: path, problems: problems).flatMap { PolicyReader(reader: $0).configuration() }
    }

    /// The policy of an experiment, which must be able to serve.
    static let servingPolicy = Self(schema: PolicyKeys.servingTable.schema) { node, path, problems in
        MappingReader(node, PolicyKeys.table, path: path, problems: problems).flatMap {
            PolicyReader(reader: $0, algorithm: PolicyKeys.servingAlgorithm).configuration()
        }
    }
}

extension Shape where Value == PolicyConfiguration.Algorithm {
    /// An algorithm that can serve. One that is learned offline is refused with where it belongs.
    static let servingAlgorithm: Self = {
        let serving = choice(Value.serving)
        return Self(schema: serving.schema) { node, path, problems in
            if case .text(let text) = node.scalar, let algorithm = Value(rawValue: text), algorithm.isLearnedOffline {
                problems.report(
                    "\(path): \(text) is learned from a whole log and does not explore, so no experiment can run it; expected "
                        + "\(Words.list(Value.serving.map(\.rawValue))); keep \(text) in a policy file for "
                        + "`haggle evaluate EXPERIMENT --policy FILE --train-share 0.5`", at: node.place)
                return nil
            }
            return serving.read(node, path, problems)
        }
    }()
}

/// Reads a policy's keys, wherever they stand, and checks them against each other.
struct PolicyReader {
    let reader: MappingReader
    /// Which algorithms may stand there.
    var algorithm = PolicyKeys.algorithm

    func configuration() -> ParsedConfiguration? {
        let algorithm = reader(self.algorithm)
        // Every key is read even where the algorithm is wrong, so that all problems come at once.
        var policy = PolicyConfiguration(algorithm: algorithm ?? .uniform)
        policy.probabilities = reader(PolicyKeys.probabilities) ?? [:]
        policy.floor = reader(PolicyKeys.floor) ?? policy.floor
        policy.alpha = reader(PolicyKeys.alpha) ?? policy.alpha
        policy.variance = reader(PolicyKeys.variance)
        policy.epsilon = reader(PolicyKeys.epsilon) ?? policy.epsilon
        policy.temperature = reader(PolicyKeys.temperature)
        policy.gamma = reader(PolicyKeys.gamma)
        policy.beta = reader(PolicyKeys.beta) ?? policy.beta
        policy.imitate = reader(PolicyKeys.imitate)
        policy.isMonotone = reader(PolicyKeys.monotone) ?? false
        policy.isCentred = reader(PolicyKeys.centred) ?? false
        policy.forget = reader(PolicyKeys.forget)
        policy.ridge = reader(PolicyKeys.ridge) ?? policy.ridge
        policy.publishSeconds = reader(PolicyKeys.publish) ?? policy.publishSeconds
        policy.seed = reader(PolicyKeys.seed).map { UInt64($0) } ?? policy.seed
        policy.retrain = reader(PolicyKeys.retrain) ?? policy.retrain
        policy.posterior = reader(PolicyKeys.posterior) ?? .disjoint
        let model = reader(PolicyKeys.model)
        guard let algorithm else { return nil }
        checkOwnership(algorithm)
        checkShared(policy)
        policy.model = resolved(model ?? ParsedModel(), algorithm)
        return ParsedConfiguration(
            policy: policy, grid: model?.grid ?? [], gridPlace: model?.gridPlace, saysMonotone: reader.has(PolicyKeys.monotone))
    }

    /// A key that the algorithm does not read would be ignored in silence.
    private func checkOwnership(_ algorithm: PolicyKeys.Algorithm) {
        let ucb: [PolicyKeys.Algorithm] = [.linearUCB, .neuralUCB]
        let posterior = ucb + [.linearThompson, .neuralThompson, .topTwoThompson, .auto]
        check(PolicyKeys.probabilities, belongsTo: [.fixed, .apprentice], algorithm)
        check(PolicyKeys.imitate, belongsTo: [.apprentice], algorithm)
        check(PolicyKeys.gamma, belongsTo: [.squareCB], algorithm)
        check(PolicyKeys.beta, belongsTo: [.topTwoThompson], algorithm)
        check(PolicyKeys.alpha, belongsTo: ucb, algorithm)
        check(PolicyKeys.epsilon, belongsTo: [.epsilonGreedy], algorithm)
        check(PolicyKeys.variance, belongsTo: posterior, algorithm)
        check(PolicyKeys.temperature, belongsTo: [.softmax, .ipw, .dr], algorithm)
        if !algorithm.hasPosterior {
            check(PolicyKeys.posterior, belongsTo: PolicyKeys.Algorithm.allCases.filter(\.hasPosterior), algorithm)
        }
        if !algorithm.learns || algorithm.isLearnedOffline {
            check(PolicyKeys.forget, belongsTo: PolicyKeys.Algorithm.serving.filter(\.learns), algorithm)
        }
        if !algorithm.hasModel, reader.has(PolicyKeys.model) {
            reader.problems.report(
                "\(reader.path(of: PolicyKeys.model)): \(algorithm.rawValue) has no reward model; remove the key",
                at: reader.keyPlace(of: PolicyKeys.model))
        }
    }

    private func checkShared(_ policy: PolicyConfiguration) {
        guard policy.posterior == .disjoint else {
            let samples: [PolicyConfiguration.Algorithm] = [.linearThompson, .neuralThompson, .topTwoThompson, .auto]
            if samples.contains(policy.algorithm), policy.floor <= 0 {
                reader.problems.report(
                    "\(reader.path(of: PolicyKeys.posterior)): expected a floor above 0 beside posterior: shared, because P(best) of correlated arms is "
                        + "computed on a fixed set of points and may be exactly 0; add floor: 0.01",
                    at: reader.keyPlace(of: PolicyKeys.posterior))
            }
            return
        }
        for key in [PolicyKeys.monotone, PolicyKeys.centred] where reader.has(key) {
            reader.problems.report(
                "\(reader.path(of: key)): expected posterior: shared beside it, because arms that are learned apart know nothing of each other's "
                    + "depth; add it or remove the key", at: reader.keyPlace(of: key))
        }
    }

    private func check(_ key: some KeyDescription, belongsTo owners: [PolicyKeys.Algorithm], _ algorithm: PolicyKeys.Algorithm) {
        guard reader.has(key), !owners.contains(algorithm) else { return }
        reader.problems.report(
            "\(reader.path(of: key)): \(algorithm.rawValue) does not use it, it belongs to \(Words.list(owners.map(\.rawValue))); remove the key",
            at: reader.keyPlace(of: key))
    }

    private func resolved(_ parsed: ParsedModel, _ algorithm: PolicyKeys.Algorithm) -> PolicyConfiguration.Model {
        var model = parsed.value
        model.kind = parsed.kind ?? (algorithm.isNeural || algorithm == .auto ? .mlp : .linear)
        if let place = parsed.kindPlace, let kind = parsed.kind, let other = algorithm.counterpart {
            if algorithm.isLinear && kind != .linear || algorithm.isNeural && kind == .linear {
                reader.problems.report(
                    "\(reader.path(of: PolicyKeys.model)).kind: \(algorithm.rawValue) cannot use a model of kind \(kind.rawValue); "
                        + "did you mean algorithm: \(other.rawValue)?", at: place)
                return model
            }
        }
        if model.kind == .linear {
            if let place = parsed.hiddenPlace, algorithm.learns {
                reader.problems.report(
                    "\(reader.path(of: PolicyKeys.model)).hidden: a linear model has no hidden layers; remove the key or write kind: mlp",
                    at: place)
            }
            model.hidden = []
        }
        if let place = parsed.sequencePlace, !parsed.readsSequences, algorithm.hasModel {
            reader.problems.report(
                "\(reader.path(of: PolicyKeys.model)): 'units' and 'kernel' belong to a model of kind cnn or gru; remove them", at: place)
        }
        return model
    }
}
