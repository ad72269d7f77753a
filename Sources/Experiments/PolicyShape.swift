import HaggleCore

/// The keys of the mapping under `policy:`.
enum PolicyKeys {
    typealias Algorithm = PolicyConfiguration.Algorithm

    static let laterAlgorithms = ["softmax", "square-cb", "bernoulli-thompson", "top-two-thompson", "apprentice", "auto"]

    /// Of policy files.
    static let table = Table(
        "a policy",
        [algorithm, probabilities, floor, alpha, variance, epsilon, temperature, ridge, posterior, publish, seed, model, retrain],
        later: ["gamma", "beta", "forget", "monotone"])
    /// What editors are told of an experiment's policy. It is read with the other table, so that a policy of files is named as such.
    static let servingSchema = Table(
        table.what,
        table.keys.compactMap { $0.name == temperature.name ? nil : $0.name == algorithm.name ? servingAlgorithm : $0 }
    ).schema

    static let algorithm = Key(
        "algorithm", Shape<Algorithm>.choice(later: laterAlgorithms), "How the next arm is chosen.", required: true)
    private static let servingAlgorithm = Key(
        "algorithm", Shape<Algorithm>.choice(Algorithm.serving, later: laterAlgorithms), "How the next arm is chosen.", required: true)
    static let probabilities = Key(
        "probabilities", .probabilities, "Of `fixed`: a probability for each arm, summing to 1. Without it the control arm is certain.")
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
        "Of `ipw` and `dr`: the learned scores go through a softmax after division by it. Without it the largest score gets everything.")
    static let ridge = Key("ridge", Shape<Double>.number(.above(0)), "Prior precision of the posterior.", default: .number(1))
    static let posterior = Key(
        "posterior", Shape<String>.word(of: ["disjoint"], later: ["shared"]), "One posterior per arm.", default: .string("disjoint"))
    static let publish = Key(
        "publish", Shape<Double>.duration, "Time between published increments of the posterior.", default: .string("1m"))
    static let seed = Key("seed", Shape<Int>.integer(0...Int.max), "Seed of everything random in training.", default: .number(1))
    static let model = Key("model", .model, "The reward model; default: mlp for the neural algorithms, linear for the others.")
    static let retrain = Key("retrain", .retraining, "When the network is fitted anew.")
}

/// The keys of the mapping under `policy.model:`.
enum ModelKeys {
    static let table = Table(
        "a model", [kind, hidden, activation, loss, learningRate, weightDecay, batch, epochs, patience], later: ["dropout"])

    static let kind = Key(
        "kind", Shape<PolicyConfiguration.Model.Kind>.choice(later: ["cnn", "gru"]), "linear, or a network of dense layers (mlp).")
    static let hidden = Key(
        "hidden", Shape<[Int]>.list(of: Shape<Int>.integer(1...4096), "layer widths", count: 1...8),
        "Widths of the hidden layers, input side first.", default: .array([.number(64), .number(32)]))
    static let activation = Key(
        "activation", Shape<PolicyConfiguration.Model.Activation>.choice(), "Activation of the hidden layers.", default: .string("relu"))
    static let loss = Key(
        "loss", Shape<String>.word(of: ["squared"], later: ["bernoulli", "two-part", "huber"]), "What training minimises.",
        default: .string("squared"))
    static let learningRate = Key(
        "learning_rate", Shape<Double>.number(.above(0, upTo: 1)), "Step size of Adam.", default: .number(0.002))
    static let weightDecay = Key(
        "weight_decay", Shape<Double>.number(.closed(0...1)), "Decoupled weight decay per step, as a multiple of the learning rate.",
        default: .number(0.0001))
    static let batch = Key("batch", Shape<Int>.integer(1...65_536), "Rows per minibatch.", default: .number(256))
    static let epochs = Key("epochs", Shape<Int>.integer(1...10_000), "Most passes over the training rows.", default: .number(30))
    static let patience = Key(
        "patience", Shape<Int>.integer(1...10_000), "Passes without improvement on the newest rows before training stops.",
        default: .number(4))
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

extension PolicyConfiguration.Algorithm {
    /// Whether the algorithm works on a network's last hidden layer.
    var isNeural: Bool { self == .neuralThompson || self == .neuralUCB }
    /// Whether the algorithm works on the encoded context itself.
    var isLinear: Bool { self == .linearThompson || self == .linearUCB }
    /// Whether rewards change what it does.
    var learns: Bool { self != .fixed && self != .uniform }
    /// Whether a model of the reward stands behind it. `ipw` maximises an estimate that needs none.
    var hasModel: Bool { learns && self != .ipw }

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

/// What the file says about the model; what it leaves out depends on the algorithm.
struct ParsedModel: Sendable {
    var kind: PolicyConfiguration.Model.Kind?
    var value = PolicyConfiguration.Model()
    var hiddenPlace: Place?
    var kindPlace: Place?
}

extension Shape where Value == ParsedModel {
    static let model = Self(schema: ModelKeys.table.schema) { node, path, problems in
        guard let reader = MappingReader(node, ModelKeys.table, path: path, problems: problems) else { return nil }
        var model = ParsedModel(kind: reader(ModelKeys.kind))
        if reader.has(ModelKeys.kind) { model.kindPlace = reader.place(of: ModelKeys.kind) }
        if reader.has(ModelKeys.hidden) { model.hiddenPlace = reader.keyPlace(of: ModelKeys.hidden) }
        model.value.hidden = reader(ModelKeys.hidden) ?? model.value.hidden
        model.value.activation = reader(ModelKeys.activation) ?? model.value.activation
        model.value.learningRate = reader(ModelKeys.learningRate) ?? model.value.learningRate
        model.value.weightDecay = reader(ModelKeys.weightDecay) ?? model.value.weightDecay
        model.value.batch = reader(ModelKeys.batch) ?? model.value.batch
        model.value.epochs = reader(ModelKeys.epochs) ?? model.value.epochs
        model.value.patience = reader(ModelKeys.patience) ?? model.value.patience
        _ = reader(ModelKeys.loss)
        return model
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

extension Shape where Value == PolicyConfiguration {
    static let policy = Self(schema: PolicyKeys.table.schema) { node, path, problems in
        MappingReader(node, PolicyKeys.table, path: path, problems: problems).flatMap { PolicyReader(reader: $0).configuration() }
    }

    /// The policy of an experiment, which must be able to serve: others are refused by whoever reads the experiment.
    static let servingPolicy = Self(schema: PolicyKeys.servingSchema, read: policy.read)
}

/// Reads a policy's keys, wherever they stand, and checks them against each other.
struct PolicyReader {
    let reader: MappingReader

    func configuration() -> PolicyConfiguration? {
        let algorithm = reader(PolicyKeys.algorithm)
        // Every key is read even where the algorithm is wrong, so that all problems come at once.
        var policy = PolicyConfiguration(algorithm: algorithm ?? .uniform)
        policy.probabilities = reader(PolicyKeys.probabilities) ?? [:]
        policy.floor = reader(PolicyKeys.floor) ?? policy.floor
        policy.alpha = reader(PolicyKeys.alpha) ?? policy.alpha
        policy.variance = reader(PolicyKeys.variance)
        policy.epsilon = reader(PolicyKeys.epsilon) ?? policy.epsilon
        policy.temperature = reader(PolicyKeys.temperature)
        policy.ridge = reader(PolicyKeys.ridge) ?? policy.ridge
        policy.publishSeconds = reader(PolicyKeys.publish) ?? policy.publishSeconds
        policy.seed = reader(PolicyKeys.seed).map { UInt64($0) } ?? policy.seed
        policy.retrain = reader(PolicyKeys.retrain) ?? policy.retrain
        _ = reader(PolicyKeys.posterior)
        let model = reader(PolicyKeys.model)
        guard let algorithm else { return nil }
        checkOwnership(algorithm)
        policy.model = resolved(model ?? ParsedModel(), algorithm)
        return policy
    }

    /// A key that the algorithm does not read would be ignored in silence.
    private func checkOwnership(_ algorithm: PolicyKeys.Algorithm) {
        let ucb: [PolicyKeys.Algorithm] = [.linearUCB, .neuralUCB]
        let posterior = ucb + [.linearThompson, .neuralThompson]
        check(PolicyKeys.probabilities, belongsTo: [.fixed], algorithm)
        check(PolicyKeys.alpha, belongsTo: ucb, algorithm)
        check(PolicyKeys.epsilon, belongsTo: [.epsilonGreedy], algorithm)
        check(PolicyKeys.variance, belongsTo: posterior, algorithm)
        check(PolicyKeys.temperature, belongsTo: [.ipw, .dr], algorithm)
        if !algorithm.hasModel, reader.has(PolicyKeys.model) {
            reader.problems.report(
                "\(reader.path(of: PolicyKeys.model)): \(algorithm.rawValue) has no reward model; remove the key",
                at: reader.keyPlace(of: PolicyKeys.model))
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
        model.kind = parsed.kind ?? (algorithm.isNeural ? .mlp : .linear)
        if let place = parsed.kindPlace, let kind = parsed.kind, let other = algorithm.counterpart {
            if algorithm.isLinear && kind == .mlp || algorithm.isNeural && kind == .linear {
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
        return model
    }
}
