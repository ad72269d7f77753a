package import Features
package import HaggleCore
package import NeuralNetwork

/// phi: what the posterior regresses the reward on. An encoded context, or a network's last hidden layer over it (neural-linear), with a
/// 1 appended; or that 1 alone.
///
/// Everything in `Float` up to the last layer, then `Double`. Own code with a fixed order of summation throughout, one context at a time,
/// so a batch of one equals a batch of N.
package struct Representation: Hashable, Sendable {
    package enum Basis: UInt8, Hashable, Sendable {
        /// phi = (1): each arm's mean reward, whoever the unit is.
        case intercept = 0
        /// phi = (encoded context, 1).
        case context = 1
        /// phi = (last hidden layer, 1).
        case network = 2
    }

    package let basis: Basis
    /// What the encoder was fitted for.
    package let schema: FeatureSchema
    package let encoder: FeatureEncoder
    /// Between encoder and model; as wide as the encoder without its blocks of events.
    package let scaling: ColumnScaling
    /// Of `basis` network only.
    package let network: MultilayerPerceptron?

    /// The untrained representation: no context yet. The encoder is there for its columns only.
    package init(untrained schema: FeatureSchema) {
        basis = .intercept
        self.schema = schema
        encoder = FeatureEncoder(unfitted: schema)
        scaling = ColumnScaling(fittedTo: [], width: encoder.width)
        network = nil
    }

    /// Fitted parts; nil where they do not fit together.
    package init?(
        basis: Basis, schema: FeatureSchema, encoder: FeatureEncoder, scaling: ColumnScaling, network: MultilayerPerceptron?
    ) {
        guard scaling.factors.count == encoder.plainWidth, (network != nil) == (basis == .network) else { return nil }
        if let network, network.inputWidth != encoder.width { return nil }
        self.basis = basis
        self.schema = schema
        self.encoder = encoder
        self.scaling = scaling
        self.network = network
    }

    /// Length of phi.
    package var dimension: Int {
        switch basis {
        case .intercept: 1
        case .context: encoder.width + 1
        case .network: (network?.representationWidth ?? 0) + 1
        }
    }

    /// The model's input: the encoded, scaled context.
    package func input(_ context: Context) -> [Float] {
        var row = [Float](repeating: 0, count: encoder.width)
        encoder.encode(context, into: &row)
        scaling.apply(&row)
        return row
    }

    /// phi of a context; always finite, its last element is 1.
    package func phi(_ context: Context) -> [Double] { phi(ofInput: basis == .intercept ? [] : input(context)) }

    /// phi of an input.
    package func phi(ofInput input: [Float]) -> [Double] {
        switch basis {
        case .intercept: return [1]
        case .context: return Self.appendingOne(input)
        case .network:
            guard let network else { preconditionFailure("a network basis has a network") }
            var hidden = [Float](repeating: 0, count: network.representationWidth)
            network.represent(input, into: &hidden)
            return Self.appendingOne(hidden)
        }
    }

    private static func appendingOne(_ values: [Float]) -> [Double] {
        var phi = [Double](repeating: 1, count: values.count + 1)
        for index in values.indices { phi[index] = values[index].isFinite ? Double(values[index]) : 0 }
        return phi
    }
}
