/// Adam with decoupled weight decay (Kingma & Ba 2015, algorithm 1; Loshchilov & Hutter 2019, algorithm 2).
///
///     m = b1 m + (1 - b1) g,  v = b2 v + (1 - b2) g^2
///     p = p - rate (m / (1 - b1^t)) / (sqrt(v / (1 - b2^t)) + e) - rate * decay * p
///
/// with b1 = .9, b2 = .999, e = 1e-8; the last term only for weights.
struct Adam {
    private let learningRate: Double
    private let weightDecay: Double
    /// The parameters that decay.
    private let decayed: [Range<Int>]
    private var first: [Float]
    private var second: [Float]
    /// b1^t and b2^t.
    private var (power1, power2) = (1.0, 1.0)

    init(learningRate: Double, weightDecay: Double, decayed: [Range<Int>], parameterCount: Int) {
        self.learningRate = learningRate
        self.weightDecay = weightDecay
        self.decayed = decayed
        first = [Float](repeating: 0, count: parameterCount)
        second = first
    }

    /// One step against the gradient.
    mutating func update(_ parameters: inout [Float], gradient: [Float]) {
        let count = parameters.count
        precondition(gradient.count == count && first.count == count, "one gradient per parameter")
        power1 *= 0.9
        power2 *= 0.999
        let keep = Float(1 - learningRate * weightDecay)
        for range in decayed {
            for index in range { parameters[index] *= keep }
        }
        let rate = Float(learningRate / (1 - power1))
        let correction = Float(1 / (1 - power2).squareRoot())
        // Four arrays of `count` numbers, as checked.
        unsafe parameters.withUnsafeMutableBufferPointer { parameters in
            unsafe first.withUnsafeMutableBufferPointer { first in
                unsafe second.withUnsafeMutableBufferPointer { second in
                    unsafe gradient.withUnsafeBufferPointer { gradient in
                        for index in 0..<count {
                            let slope = unsafe gradient[index]
                            let mean = unsafe 0.9 * first[index] + 0.1 * slope
                            let square = unsafe 0.999 * second[index] + 0.001 * slope * slope
                            unsafe first[index] = mean
                            unsafe second[index] = square
                            unsafe parameters[index] -= rate * mean / (square.squareRoot() * correction + 1e-8)
                        }
                    }
                }
            }
        }
    }
}
