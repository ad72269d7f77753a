/// Adam with decoupled weight decay (Kingma & Ba 2015, algorithm 1; Loshchilov & Hutter 2019, algorithm 2).
struct Adam {
    let learningRate: Float
    let weightDecay: Float
    private var first: [Float]
    private var second: [Float]
    private var step = 0

    init(learningRate: Double, weightDecay: Double, parameterCount: Int) {
        self.learningRate = Float(learningRate)
        self.weightDecay = Float(weightDecay)
        first = [Float](repeating: 0, count: parameterCount)
        second = first
    }

    /// One step against the gradient.
    mutating func update(_ parameters: inout [Float], gradient: [Float]) {
        step += 1
        let (decay1, decay2): (Float, Float) = (0.9, 0.999)
        var power1: Float = 1
        var power2: Float = 1
        // Powers by repeated squaring would save nothing that shows; past 20 000 steps both corrections are 1 in single precision.
        if step < 20_000 {
            for _ in 0..<step {
                power1 *= decay1
                power2 *= decay2
            }
        } else {
            power1 = 0
            power2 = 0
        }
        let rate = learningRate * (1 - power2).squareRoot() / (1 - power1)
        for index in parameters.indices {
            let slope = gradient[index]
            first[index] = decay1 * first[index] + (1 - decay1) * slope
            second[index] = decay2 * second[index] + (1 - decay2) * slope * slope
            parameters[index] -= rate * first[index] / (second[index].squareRoot() + 1e-8) + learningRate * weightDecay * parameters[index]
        }
    }
}
