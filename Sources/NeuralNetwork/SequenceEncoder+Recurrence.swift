import HaggleMath

/// The gated recurrent unit (Cho et al. 2014; the reset gate acts on the state's product, as in PyTorch and cuDNN):
///
///     r = logistic(Wr x + br + Ur h + cr)    z = logistic(Wz x + bz + Uz h + cz)
///     a = Un h + cn                          n = tanh(Wn x + bn + r a)
///     h' = (1 - z) n + z h
extension SequenceEncoder {
    private struct Step {
        var r: [Float]
        var z: [Float]
        var n: [Float]
        var a: [Float]
        /// Before the step.
        var h: [Float]
    }

    private static func logistic(_ x: Float) -> Float {
        if x >= 0 { return 1 / (1 + ElementaryFunctions.exp(-x)) }
        let power = ElementaryFunctions.exp(x)
        return power / (1 + power)
    }

    /// One event: the gates, and the state afterwards.
    private func step(_ events: [Float], at time: Int, state h: [Float], _ core: Span<Float>) -> (Step, [Float]) {
        let width = eventWidth
        let stateStart = 3 * units * width
        let biasStart = stateStart + 3 * units * units
        func fromInput(_ gate: Int, _ unit: Int) -> Float {
            let row = gate * units + unit
            var sum = core[biasStart + row]
            for column in 0..<width { sum += core[row * width + column] * events[time * width + column] }
            return sum
        }
        func fromState(_ gate: Int, _ unit: Int) -> Float {
            let row = gate * units + unit
            var sum = core[biasStart + 3 * units + row]
            for column in 0..<units { sum += core[stateStart + row * units + column] * h[column] }
            return sum
        }
        let blank = [Float](repeating: 0, count: units)
        var step = Step(r: blank, z: blank, n: blank, a: blank, h: h)
        var next = blank
        for unit in 0..<units {
            step.r[unit] = Self.logistic(fromInput(0, unit) + fromState(0, unit))
            step.z[unit] = Self.logistic(fromInput(1, unit) + fromState(1, unit))
            step.a[unit] = fromState(2, unit)
            step.n[unit] = ElementaryFunctions.tanh(fromInput(2, unit) + step.r[unit] * step.a[unit])
            next[unit] = (1 - step.z[unit]) * step.n[unit] + step.z[unit] * h[unit]
        }
        return (step, next)
    }

    /// The state after the newest event; 0 without events.
    func recur(_ events: [Float], count: Int, _ core: Span<Float>, into output: inout MutableSpan<Float>, at column: Int) {
        var state = [Float](repeating: 0, count: units)
        for time in 0..<count { state = step(events, at: time, state: state, core).1 }
        for unit in 0..<units { output[column + unit] = state[unit] }
    }

    func recurBackward(
        _ events: [Float], count: Int, _ core: Span<Float>, outputGradient: Span<Float>, at column: Int,
        into gradient: inout MutableSpan<Float>, eventGradient: inout [Float]
    ) {
        let width = eventWidth
        let stateStart = 3 * units * width
        let biasStart = stateStart + 3 * units * units
        var steps: [Step] = []
        var state = [Float](repeating: 0, count: units)
        for time in 0..<count {
            let (step, next) = step(events, at: time, state: state, core)
            steps.append(step)
            state = next
        }
        var slope = (0..<units).map { outputGradient[column + $0] }
        for time in (0..<count).reversed() {
            let step = steps[time]
            var before = [Float](repeating: 0, count: units)
            for unit in 0..<units {
                let (r, z, n, a, h) = (step.r[unit], step.z[unit], step.n[unit], step.a[unit], step.h[unit])
                let dn = slope[unit] * (1 - z) * (1 - n * n)
                let dz = slope[unit] * (h - n) * z * (1 - z)
                let dr = dn * a * r * (1 - r)
                before[unit] += slope[unit] * z
                // What each gate's row of the input weights and of the state weights is multiplied by.
                for (gate, fromInput, fromState) in [(0, dr, dr), (1, dz, dz), (2, dn, dn * r)] {
                    let row = gate * units + unit
                    gradient[embeddingCount + biasStart + row] += fromInput
                    gradient[embeddingCount + biasStart + 3 * units + row] += fromState
                    for input in 0..<width {
                        gradient[embeddingCount + row * width + input] += fromInput * events[time * width + input]
                        eventGradient[time * width + input] += fromInput * core[row * width + input]
                    }
                    for other in 0..<units {
                        let weight = stateStart + row * units + other
                        gradient[embeddingCount + weight] += fromState * step.h[other]
                        before[other] += fromState * core[weight]
                    }
                }
            }
            slope = before
        }
    }
}
