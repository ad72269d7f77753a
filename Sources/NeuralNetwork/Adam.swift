/// Adam with decoupled weight decay (Kingma & Ba 2015, algorithm 1; Loshchilov & Hutter 2019, algorithm 2).
///
///     m = b1 m + (1 - b1) g,  v = b2 v + (1 - b2) g^2
///     p = p - rate (m / (1 - b1^t)) / (sqrt(v / (1 - b2^t)) + e) - rate * decay * p
///
/// with b1 = .9, b2 = .999, e = 1e-8; the last term only for weights.
struct Adam {
    private let learningRate: Double
    private let schedule: LearningSchedule
    /// Largest Euclidean norm of a gradient; nil leaves it.
    private let clip: Double?
    private var step = 0
    private let weightDecay: Double
    /// The parameters that decay.
    private let decayed: [Range<Int>]
    private var first: [Float]
    private var second: [Float]
    /// b1^t and b2^t.
    private var (power1, power2) = (1.0, 1.0)

    init(
        learningRate: Double, weightDecay: Double, decayed: [Range<Int>], parameterCount: Int,
        schedule: LearningSchedule = LearningSchedule(kind: .constant, steps: 1), clip: Double? = nil
    ) {
        self.schedule = schedule
        self.clip = clip
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
        let learningRate = learningRate * schedule.factor(step: step)
        step += 1
        let shrink = shrinkage(of: gradient)
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
                            let slope = unsafe gradient[index] * shrink
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

    /// What a gradient is multiplied by so that its norm is at most `clip` (Pascanu, Mikolov & Bengio 2013).
    private func shrinkage(of gradient: [Float]) -> Float {
        guard let clip else { return 1 }
        var squares = 0.0
        for slope in gradient { squares += Double(slope) * Double(slope) }
        let norm = squares.squareRoot()
        return norm > clip ? Float(clip / norm) : 1
    }
}
