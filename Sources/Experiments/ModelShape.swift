import HaggleCore

/// The keys of the mapping under `policy.model:`. A list of values is a grid for `haggle train`.
enum ModelKeys {
    typealias Model = PolicyConfiguration.Model

    static let table = Table(
        "a model",
        [
            kind, hidden, activation, loss, learningRate, weightDecay, batch, epochs, patience, dropout, schedule, clip, layerNorm,
            residual,
            units, kernel,
        ])

    static let kind = Key(
        "kind", Shape<Model.Kind>.choice().orGrid,
        "linear; a network of dense layers (mlp); or one that reads the events of sequence features in their order (cnn, gru).")
    static let hidden = Key(
        "hidden", Shape<[Int]>.list(of: Shape<Int>.integer(1...4096), "layer widths", count: 1...8).orGrid,
        "Widths of the hidden layers, input side first.", default: .array([.number(64), .number(32)]))
    static let activation = Key(
        "activation", Shape<Model.Activation>.choice().orGrid, "Activation of the hidden layers.", default: .string("relu"))
    static let loss = Key(
        "loss", Shape<Model.Loss>.choice().orGrid,
        "What training minimises: bernoulli for conversion, two-part (P(convert) and E[value | convert]) for money.",
        default: .string("squared"))
    static let learningRate = Key(
        "learning_rate", Shape<Double>.number(.above(0, upTo: 1)).orGrid, "Step size of Adam.", default: .number(0.002))
    static let weightDecay = Key(
        "weight_decay", Shape<Double>.number(.closed(0...1)).orGrid, "Decoupled weight decay per step, as a multiple of the learning rate.",
        default: .number(0.0001))
    static let batch = Key("batch", Shape<Int>.integer(1...65_536).orGrid, "Rows per minibatch.", default: .number(256))
    static let epochs = Key("epochs", Shape<Int>.integer(1...10_000).orGrid, "Most passes over the training rows.", default: .number(30))
    static let patience = Key(
        "patience", Shape<Int>.integer(1...10_000).orGrid, "Passes without improvement on the newest rows before training stops.",
        default: .number(4))
    static let dropout = Key(
        "dropout", Shape<Double>.number(.closed(0...0.95)).orGrid, "Share of the hidden activations that a training step leaves out.",
        default: .number(0))
    static let schedule = Key(
        "schedule", Shape<Model.Schedule>.choice().orGrid, "How the step size changes over training.", default: .string("constant"))
    static let clip = Key(
        "clip", Shape<Double>.number(.above(0)).orGrid, "Largest norm of a step's gradient. Without it the gradient is used as it is.")
    static let layerNorm = Key(
        "layer_norm", Shape<Bool>.boolean.orGrid, "Whether hidden layers are normalised.", default: .boolean(false))
    static let residual = Key(
        "residual", Shape<Bool>.boolean.orGrid, "Whether hidden layers of equal width add their input.", default: .boolean(false))
    static let units = Key(
        "units", Shape<Int>.integer(1...1024).orGrid, "Of cnn and gru: channels of the convolution, width of the recurrent state.",
        default: .number(16))
    static let kernel = Key(
        "kernel", Shape<Int>.integer(1...16).orGrid, "Of cnn: events that one convolution looks at.", default: .number(3))
}

extension Shape {
    /// One value, or a list of several to try.
    var orGrid: Shape<[Value]> {
        let one = self
        let many = OrderedJSON.object([
            "type": .string("array"), "items": schema, "minItems": .number(1), "maxItems": .number(100),
        ])
        return Shape<[Value]>(schema: .object(["anyOf": .array([schema, many])])) { node, path, problems in
            // A list of layer widths is one value; a list of such lists is a grid.
            guard case .sequence(let items) = node.content, Value.self != [Int].self || Self.holdsLists(items) else {
                return one.read(node, path, problems).map { [$0] }
            }
            guard (1...100).contains(items.count) else {
                problems.report(
                    "\(path): expected 1 to 100 values to try, found \(items.isEmpty ? "none" : "\(items.count)")", at: node.place)
                return nil
            }
            let values = items.enumerated().map { one.read($0.element, "\(path)[\($0.offset)]", problems) }
            return values.contains { $0 == nil } ? nil : values.compactMap { $0 }
        }
    }

    private static func holdsLists(_ items: [YAMLNode]) -> Bool {
        items.contains { if case .sequence = $0.content { true } else { false } }
    }
}

/// What the file says about the model; what it leaves out depends on the algorithm.
struct ParsedModel: Sendable {
    var kind: PolicyConfiguration.Model.Kind?
    var value = PolicyConfiguration.Model()
    var hiddenPlace: Place?
    var kindPlace: Place?
    /// Where `units` or `kernel` stands.
    var sequencePlace: Place?
    /// Whether one of the kinds reads sequences.
    var readsSequences = false
    var grid: [GridAxis] = []
    /// Where the first list of values stands.
    var gridPlace: Place?

    fileprivate init(_ reader: MappingReader) {
        let kinds = take(ModelKeys.kind, from: reader) { .kind($0) }
        kind = kinds?.first
        readsSequences = kinds?.contains { $0 == .cnn || $0 == .gru } ?? false
        if reader.has(ModelKeys.kind) { kindPlace = reader.place(of: ModelKeys.kind) }
        // Where a grid of kinds has a network, the widths are for that.
        let hasNetwork = kinds?.contains { $0 != .linear } ?? false
        if reader.has(ModelKeys.hidden), !hasNetwork { hiddenPlace = reader.keyPlace(of: ModelKeys.hidden) }
        for key in [ModelKeys.units, ModelKeys.kernel] where reader.has(key) { sequencePlace = sequencePlace ?? reader.keyPlace(of: key) }
        _ = take(ModelKeys.hidden, from: reader) { .hidden($0) }
        _ = take(ModelKeys.activation, from: reader) { .activation($0) }
        _ = take(ModelKeys.loss, from: reader) { .loss($0) }
        _ = take(ModelKeys.learningRate, from: reader) { .learningRate($0) }
        _ = take(ModelKeys.weightDecay, from: reader) { .weightDecay($0) }
        _ = take(ModelKeys.batch, from: reader) { .batch($0) }
        _ = take(ModelKeys.epochs, from: reader) { .epochs($0) }
        _ = take(ModelKeys.patience, from: reader) { .patience($0) }
        _ = take(ModelKeys.dropout, from: reader) { .dropout($0) }
        _ = take(ModelKeys.schedule, from: reader) { .schedule($0) }
        _ = take(ModelKeys.clip, from: reader) { .clip($0) }
        _ = take(ModelKeys.layerNorm, from: reader) { .layerNorm($0) }
        _ = take(ModelKeys.residual, from: reader) { .residual($0) }
        _ = take(ModelKeys.units, from: reader) { .units($0) }
        _ = take(ModelKeys.kernel, from: reader) { .kernel($0) }
    }

    init() {}

    /// The values of one key: the first goes into the model, several are an axis of the grid.
    private mutating func take<Value>(
        _ key: Key<[Value]>, from reader: MappingReader, _ setting: (Value) -> ModelSetting
    ) -> [Value]? {
        guard let values = reader(key), let first = values.first else { return nil }
        setting(first).apply(to: &value)
        if values.count > 1 {
            grid.append(GridAxis(name: key.name, values: values.map(setting)))
            gridPlace = gridPlace ?? reader.place(of: key)
        }
        return values
    }
}

extension Shape where Value == ParsedModel {
    static let model = Self(schema: ModelKeys.table.schema) { node, path, problems in
        MappingReader(node, ModelKeys.table, path: path, problems: problems).map { ParsedModel($0) }
    }
}
