/// One value of one key under `policy.model`.
package enum ModelSetting: Hashable, Sendable {
    case kind(PolicyConfiguration.Model.Kind)
    case hidden([Int])
    case activation(PolicyConfiguration.Model.Activation)
    case loss(PolicyConfiguration.Model.Loss)
    case dropout(Double)
    case learningRate(Double)
    case weightDecay(Double)
    case batch(Int)
    case epochs(Int)
    case patience(Int)
    case units(Int)
    case kernel(Int)
    case schedule(PolicyConfiguration.Model.Schedule)
    /// Nil leaves gradients as they are.
    case clip(Double?)
    case layerNorm(Bool)
    case residual(Bool)

    /// Sets the value in a model.
    package func apply(to model: inout PolicyConfiguration.Model) {
        switch self {
        case .kind(let value): model.kind = value
        case .hidden(let value): model.hidden = value
        case .activation(let value): model.activation = value
        case .loss(let value): model.loss = value
        case .dropout(let value): model.dropout = value
        case .learningRate(let value): model.learningRate = value
        case .weightDecay(let value): model.weightDecay = value
        case .batch(let value): model.batch = value
        case .epochs(let value): model.epochs = value
        case .patience(let value): model.patience = value
        case .units(let value): model.units = value
        case .kernel(let value): model.kernel = value
        case .schedule(let value): model.schedule = value
        case .clip(let value): model.clip = value
        case .layerNorm(let value): model.layerNorm = value
        case .residual(let value): model.residual = value
        }
    }

    /// The key under `model` in an experiment file.
    package var key: String {
        switch self {
        case .kind: "kind"
        case .hidden: "hidden"
        case .activation: "activation"
        case .loss: "loss"
        case .dropout: "dropout"
        case .learningRate: "learning_rate"
        case .weightDecay: "weight_decay"
        case .batch: "batch"
        case .epochs: "epochs"
        case .patience: "patience"
        case .units: "units"
        case .kernel: "kernel"
        case .schedule: "schedule"
        case .clip: "clip"
        case .layerNorm: "layer_norm"
        case .residual: "residual"
        }
    }

    /// The value as it stands in YAML.
    package var text: String {
        switch self {
        case .kind(let value): value.rawValue
        case .hidden(let widths): "[" + widths.map(String.init).joined(separator: ", ") + "]"
        case .activation(let value): value.rawValue
        case .loss(let value): value.rawValue
        case .dropout(let value), .learningRate(let value), .weightDecay(let value): Self.text(of: value)
        case .batch(let value), .epochs(let value), .patience(let value), .units(let value), .kernel(let value): String(value)
        case .schedule(let value): value.rawValue
        case .clip(let value): value.map(Self.text(of:)) ?? "null"
        case .layerNorm(let value), .residual(let value): String(value)
        }
    }

    /// A whole number without a fraction, every other in the fewest digits that name it, in the notation every YAML reader takes for a
    /// number: 1e-05 of Swift is a number to all of them, but `5e-324` is not a text to any.
    private static func text(of value: Double) -> String {
        value.rounded() == value && abs(value) < 1e15 ? String(Int(value)) : String(value)
    }
}

/// The values that one key takes in a grid.
package struct GridAxis: Hashable, Sendable {
    /// The key under `model`.
    package let name: String
    /// In the order of the file.
    package let values: [ModelSetting]

    package init(name: String, values: [ModelSetting]) {
        self.name = name
        self.values = values
    }
}

/// A model of which some keys have several values: what `haggle train` searches.
package struct ModelGrid: Hashable, Sendable {
    /// One model of a grid, and what tells it from the others.
    package struct Combination: Hashable, Sendable {
        package let model: PolicyConfiguration.Model
        /// Of every axis that the model's kind looks at its key and the value as YAML, in the order of the axes.
        package let settings: [Setting]
        /// Of every axis: what a file needs so that no list is left in it.
        package let choices: [Setting]

        /// `learning_rate: 0.002`.
        package struct Setting: Hashable, Sendable {
            package let key: String
            package let text: String
        }

        /// `hidden: [64, 32], loss: huber`; empty for a grid without axes.
        package var text: String { settings.map { "\($0.key): \($0.text)" }.joined(separator: ", ") }
    }

    /// Keys with one value.
    package let base: PolicyConfiguration.Model
    package let axes: [GridAxis]

    package init(base: PolicyConfiguration.Model, axes: [GridAxis] = []) {
        self.base = base
        self.axes = axes
    }

    /// How many combinations there are before those that mean the same are dropped; `Int.max` where it would overflow.
    package var size: Int {
        axes.reduce(1) { product, axis in
            let (result, overflow) = product.multipliedReportingOverflow(by: axis.values.count)
            return overflow ? Int.max : result
        }
    }

    /// Every combination of one value an axis; the last axis changes fastest.
    ///
    /// A `linear` model has no layers, so that combinations that differ only in what a linear model ignores are one: the first stands for all.
    /// An axis without values gives no combination. O(size * axes).
    package var combinations: [Combination] {
        var result = [(model: base, settings: [Combination.Setting]())]
        for axis in axes {
            result = result.flatMap { made in
                axis.values.map { value in
                    var model = made.model
                    value.apply(to: &model)
                    return (model, made.settings + [Combination.Setting(key: axis.name, text: value.text)])
                }
            }
        }
        var seen: Set<PolicyConfiguration.Model> = []
        return result.compactMap { made in
            let model = made.model.canonical
            guard seen.insert(model).inserted else { return nil }
            let settings = made.settings.filter { model.kind.reads($0.key) }
            return Combination(model: model, settings: settings, choices: made.settings)
        }
    }
}

extension PolicyConfiguration.Model {
    /// The model with every key that its kind does not look at set to the default: equal for models that mean the same.
    package var canonical: PolicyConfiguration.Model {
        let neutral = PolicyConfiguration.Model(kind: kind)
        var model = self
        if !kind.reads("units") { model.units = neutral.units }
        if !kind.reads("kernel") { model.kernel = neutral.kernel }
        if kind == .linear { model = neutral }
        return model
    }
}

extension PolicyConfiguration.Model.Kind {
    /// Whether a model of this kind depends on a key under `model`.
    package func reads(_ key: String) -> Bool {
        switch self {
        case .linear: key == "kind"
        case .mlp: key != "units" && key != "kernel"
        case .cnn: true
        case .gru: key != "kernel"
        }
    }
}
