import Features
import HaggleCore
import HaggleMath
import NeuralNetwork

extension ServingSnapshot {
    /// The snapshot as bytes: exact numbers, a format version and a checksum. Equal snapshots give equal bytes.
    package func serialised() -> [UInt8] {
        var writer = StateWriter()
        writer.write(experiment.rawValue)
        writer.write(version.rawValue)
        writer.write(experimentVersion.rawValue)
        writer.write(arms.count)
        for arm in arms { writer.write(arm.rawValue) }
        writer.write(controlIndex)
        writer.write(configuration)
        writer.write(representation.basis.rawValue)
        writer.write(json: representation.schema)
        writer.write(json: representation.encoder)
        writer.write(representation.scaling.means)
        writer.write(representation.scaling.factors)
        if let network = representation.network { writer.write(json: network) }
        writer.write(posterior)
        for depth in depths {
            writer.write(depth == nil ? UInt8(0) : 1)
            writer.write(depth ?? 0)
        }
        return writer.finished(.snapshot)
    }

    /// Reads bytes that `serialised()` wrote.
    /// - Throws: `PoliciesError` where they are damaged, cut off, of a newer format, or make no sense.
    package init(serialised bytes: [UInt8]) throws(PoliciesError) {
        var reader = try StateReader(bytes, mark: .snapshot)
        let experiment = ExperimentKey(try reader.text("experiment"))
        let version = SnapshotVersion(try reader.int("version"))
        let experimentVersion = ExperimentVersion(try reader.int("experiment version"))
        var arms: [ArmKey] = []
        for _ in 0..<(try reader.count(of: "arms", size: 8)) { arms.append(ArmKey(try reader.text("arms"))) }
        let controlIndex = try reader.int("control arm")
        let configuration = try reader.configuration()
        guard let basis = Representation.Basis(rawValue: try reader.byte("basis")) else { throw .malformed(part: "basis") }
        let schema = try reader.json(FeatureSchema.self, "schema")
        let encoder = try reader.json(FeatureEncoder.self, "encoder")
        guard let scaling = ColumnScaling(means: try reader.doubles("scaling"), factors: try reader.doubles("scaling")) else {
            throw .malformed(part: "scaling")
        }
        let network = basis == .network ? try reader.json(MultilayerPerceptron.self, "network") : nil
        guard let representation = Representation(basis: basis, schema: schema, encoder: encoder, scaling: scaling, network: network)
        else { throw .malformed(part: "representation") }
        let posterior = try reader.posterior()
        var depths = [Double?](repeating: nil, count: arms.count)
        // Before format 3 no posterior was over the arms' depths.
        if reader.format >= 3 {
            for arm in depths.indices {
                let hasDepth = try reader.byte("depths") == 1
                let depth = try reader.double("depths")
                guard depth.isFinite else { throw .malformed(part: "depths") }
                if hasDepth { depths[arm] = depth }
            }
        }
        try reader.finish()
        guard arms.indices.contains(controlIndex),
            Self.fits(
                posterior, design: PosteriorDesign(configuration, depths: depths), armCount: arms.count,
                phiLength: representation.dimension)
        else { throw .malformed(part: "arms") }
        self.init(
            experiment: experiment, version: version, experimentVersion: experimentVersion, arms: arms, controlIndex: controlIndex,
            configuration: configuration, representation: representation, posterior: posterior, depths: depths)
    }
}

extension LinearPosterior {
    /// The sums as bytes, with format version and checksum.
    package func serialised() -> [UInt8] {
        var writer = StateWriter()
        writer.write(self)
        return writer.finished(.posterior)
    }

    /// Reads bytes that `serialised()` wrote.
    /// - Throws: `PoliciesError`, as for a snapshot.
    package init(serialised bytes: [UInt8]) throws(PoliciesError) {
        var reader = try StateReader(bytes, mark: .posterior)
        self = try reader.posterior()
        try reader.finish()
    }
}

extension StateWriter {
    fileprivate mutating func write(_ posterior: LinearPosterior) {
        write(posterior.ridge)
        write(posterior.dimension)
        write(posterior.arms.count)
        for arm in posterior.arms {
            write(arm.gram.packed)
            write(arm.moment)
            write(arm.squares)
            write(arm.weight)
        }
        write(posterior.period == nil ? UInt8(0) : 1)
        write(posterior.period ?? 0)
    }

    /// The probabilities by themselves: a dictionary's own order differs between processes.
    fileprivate mutating func write(_ configuration: PolicyConfiguration) {
        let probabilities = configuration.probabilities.sorted { $0.key < $1.key }
        write(probabilities.count)
        for (arm, probability) in probabilities {
            write(arm.rawValue)
            write(probability)
        }
        var rest = configuration
        rest.probabilities = [:]
        write(json: rest)
    }
}

extension StateReader {
    fileprivate mutating func posterior() throws(PoliciesError) -> LinearPosterior {
        let ridge = try double("ridge")
        let dimension = try count(of: "dimension", size: 8)
        let armCount = try count(of: "posterior's arms", size: 8)
        guard ridge > 0, ridge.isFinite, dimension >= 1, armCount >= 1 else { throw .malformed(part: "posterior") }
        var arms: [RegressionSums] = []
        for _ in 0..<armCount {
            let gram = SymmetricMatrix(dimension: dimension, packed: try doubles("gram"))
            let moment = try doubles("moment")
            let squares = try double("squares")
            let weight = try double("weight")
            guard let gram, let sums = RegressionSums(gram: gram, moment: moment, squares: squares, weight: weight) else {
                throw .malformed(part: "posterior")
            }
            arms.append(sums)
        }
        guard format >= 2 else { return LinearPosterior(ridge: ridge, arms: arms) }
        let hasPeriod = try byte("period") == 1
        let period = try int("period")
        return LinearPosterior(ridge: ridge, arms: arms, period: hasPeriod ? period : nil)
    }

    fileprivate mutating func configuration() throws(PoliciesError) -> PolicyConfiguration {
        let part = "configuration"
        guard format >= 2 else { return try configurationOfFormat1() }
        var probabilities: [ArmKey: Double] = [:]
        for _ in 0..<(try count(of: part, size: 16)) {
            let arm = ArmKey(try text(part))
            probabilities[arm] = try double(part)
        }
        var configuration = try json(PolicyConfiguration.self, part)
        guard !configuration.algorithm.isLearnedOffline, configuration.ridge > 0, configuration.ridge.isFinite else {
            throw .malformed(part: part)
        }
        configuration.probabilities = probabilities
        return configuration
    }

    /// Format 1 wrote the settings that there were, field by field.
    private mutating func configurationOfFormat1() throws(PoliciesError) -> PolicyConfiguration {
        let part = "configuration"
        guard let algorithm = PolicyConfiguration.Algorithm(rawValue: try text(part)), !algorithm.isLearnedOffline else {
            throw .malformed(part: part)
        }
        var configuration = PolicyConfiguration(algorithm: algorithm)
        for _ in 0..<(try count(of: part, size: 16)) {
            let arm = ArmKey(try text(part))
            configuration.probabilities[arm] = try double(part)
        }
        let hasVariance = try byte(part) == 1
        let numbers = try doubles(part)
        guard numbers.count == 10, numbers.allSatisfy(\.isFinite) else { throw .malformed(part: part) }
        configuration.floor = numbers[0]
        configuration.alpha = numbers[1]
        configuration.variance = hasVariance ? numbers[2] : nil
        configuration.epsilon = numbers[3]
        configuration.ridge = numbers[4]
        configuration.publishSeconds = numbers[5]
        configuration.model.learningRate = numbers[6]
        configuration.model.weightDecay = numbers[7]
        configuration.retrain.everySeconds = numbers[8]
        configuration.retrain.windowSeconds = numbers[9]
        configuration.seed = try unsigned(part)
        guard let kind = PolicyConfiguration.Model.Kind(rawValue: try text(part)),
            let activation = PolicyConfiguration.Model.Activation(rawValue: try text(part))
        else { throw .malformed(part: part) }
        configuration.model.kind = kind
        configuration.model.activation = activation
        configuration.model.hidden = []
        for _ in 0..<(try count(of: part, size: 8)) { configuration.model.hidden.append(try int(part)) }
        configuration.model.batch = try int(part)
        configuration.model.epochs = try int(part)
        configuration.model.patience = try int(part)
        configuration.retrain.minimumImpressions = try int(part)
        return configuration
    }
}
