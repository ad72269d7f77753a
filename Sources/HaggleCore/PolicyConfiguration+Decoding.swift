/// Reading documents that were stored before a key existed: a key that is absent has its default.
extension PolicyConfiguration {
    enum CodingKeys: String, CodingKey {
        case algorithm, probabilities, floor, alpha, variance, epsilon, temperature, gamma, beta, imitate, posterior, isMonotone, isCentred
        case forget, ridge, publishSeconds, seed, model, retrain
    }

    package init(from decoder: any Decoder) throws {
        let values = try decoder.container(keyedBy: CodingKeys.self)
        self.init(algorithm: try values.decode(Algorithm.self, forKey: .algorithm))
        func read<Value: Decodable>(_ key: CodingKeys, into target: inout Value) throws {
            if let value = try values.decodeIfPresent(Value.self, forKey: key) { target = value }
        }
        try read(.probabilities, into: &probabilities)
        try read(.floor, into: &floor)
        try read(.alpha, into: &alpha)
        variance = try values.decodeIfPresent(Double.self, forKey: .variance)
        try read(.epsilon, into: &epsilon)
        temperature = try values.decodeIfPresent(Double.self, forKey: .temperature)
        gamma = try values.decodeIfPresent(Double.self, forKey: .gamma)
        try read(.beta, into: &beta)
        imitate = try values.decodeIfPresent(String.self, forKey: .imitate)
        try read(.posterior, into: &posterior)
        try read(.isMonotone, into: &isMonotone)
        try read(.isCentred, into: &isCentred)
        forget = try values.decodeIfPresent(Forgetting.self, forKey: .forget)
        try read(.ridge, into: &ridge)
        try read(.publishSeconds, into: &publishSeconds)
        try read(.seed, into: &seed)
        try read(.model, into: &model)
        try read(.retrain, into: &retrain)
    }
}

extension PolicyConfiguration.Model {
    enum CodingKeys: String, CodingKey {
        case kind, hidden, activation, learningRate, weightDecay, batch, epochs, patience, loss, dropout, schedule, clip, layerNorm,
            residual
        case units, kernel
    }

    package init(from decoder: any Decoder) throws {
        let values = try decoder.container(keyedBy: CodingKeys.self)
        self.init(kind: try values.decode(Kind.self, forKey: .kind))
        func read<Value: Decodable>(_ key: CodingKeys, into target: inout Value) throws {
            if let value = try values.decodeIfPresent(Value.self, forKey: key) { target = value }
        }
        try read(.hidden, into: &hidden)
        try read(.activation, into: &activation)
        try read(.learningRate, into: &learningRate)
        try read(.weightDecay, into: &weightDecay)
        try read(.batch, into: &batch)
        try read(.epochs, into: &epochs)
        try read(.patience, into: &patience)
        try read(.loss, into: &loss)
        try read(.dropout, into: &dropout)
        try read(.schedule, into: &schedule)
        clip = try values.decodeIfPresent(Double.self, forKey: .clip)
        try read(.layerNorm, into: &layerNorm)
        try read(.residual, into: &residual)
        try read(.units, into: &units)
        try read(.kernel, into: &kernel)
    }
}
