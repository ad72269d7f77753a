import Foundation

/// The parameters travel as base64 of their little-endian IEEE 754 bytes: a third of the size of decimal text, and exact.
extension MultilayerPerceptron: Codable {
    private enum CodingKeys: String, CodingKey {
        case inputWidth, hidden, outputWidth, activation, parameters, encoders, layerNorm, residual
    }

    package init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        let inputWidth = try container.decode(Int.self, forKey: .inputWidth)
        let hidden = try container.decode([Int].self, forKey: .hidden)
        let outputWidth = try container.decode(Int.self, forKey: .outputWidth)
        let activation = try container.decode(Activation.self, forKey: .activation)
        let text = try container.decode(String.self, forKey: .parameters)
        // Networks from before there were such have none of them.
        let encoders = try container.decodeIfPresent([SequenceEncoder].self, forKey: .encoders) ?? []
        let layerNorm = try container.decodeIfPresent(Bool.self, forKey: .layerNorm) ?? false
        let residual = try container.decodeIfPresent(Bool.self, forKey: .residual) ?? false
        func corrupted(_ key: CodingKeys, _ description: String) -> DecodingError {
            .dataCorruptedError(forKey: key, in: container, debugDescription: description)
        }
        let widths = [inputWidth] + hidden + [outputWidth]
        guard inputWidth >= 0, outputWidth > 0, hidden.allSatisfy({ $0 > 0 }), widths.allSatisfy({ $0 <= 1 << 20 }) else {
            throw corrupted(.hidden, "widths of layers between 1 and 2^20 expected, found \(widths)")
        }
        guard encoders.allSatisfy(\.isPossible), encoders.reduce(0, { $0 + $1.inputWidth }) <= inputWidth else {
            throw corrupted(.encoders, "sequence encoders that fit \(inputWidth) inputs expected")
        }
        let encoded = encoders.reduce(inputWidth) { $0 - $1.inputWidth + $1.outputWidth }
        let count = Self.parameterCount(
            encoders, Self.denseLayers(inputWidth: encoded, hidden: hidden, outputWidth: outputWidth), layerNorm: layerNorm)
        guard let bytes = Data(base64Encoded: text) else { throw corrupted(.parameters, "base64 expected") }
        guard bytes.count == 4 * count else {
            throw corrupted(.parameters, "\(count) parameters of 4 bytes expected, found \(bytes.count) bytes")
        }
        let parameters = (0..<count).map { index in
            Float(bitPattern: (0..<4).reduce(0) { $0 | UInt32(bytes[4 * index + $1]) << UInt32(8 * $1) })
        }
        guard parameters.allSatisfy(\.isFinite) else { throw corrupted(.parameters, "a parameter is not finite") }
        self.init(
            inputWidth: inputWidth, hidden: hidden, outputWidth: outputWidth, activation: activation, encoders: encoders,
            layerNorm: layerNorm, residual: residual, parameters: parameters)
    }

    package func encode(to encoder: any Encoder) throws {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(4 * parameters.count)
        for parameter in parameters {
            let bits = parameter.bitPattern
            for shift in [0, 8, 16, 24] as [UInt32] { bytes.append(UInt8(truncatingIfNeeded: bits >> shift)) }
        }
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(inputWidth, forKey: .inputWidth)
        try container.encode(hidden, forKey: .hidden)
        try container.encode(outputWidth, forKey: .outputWidth)
        try container.encode(activation, forKey: .activation)
        if !encoders.isEmpty { try container.encode(encoders, forKey: .encoders) }
        if layerNorm { try container.encode(layerNorm, forKey: .layerNorm) }
        if residual { try container.encode(residual, forKey: .residual) }
        try container.encode(Data(bytes).base64EncodedString(), forKey: .parameters)
    }
}
