import HaggleMath

/// The convolutions: `z[t][u] = b[u] + sum_j sum_c W[u][c][j] x[t - kernel + 1 + j][c]`, nothing before the first event.
extension SequenceEncoder {
    private func convolution(_ events: [Float], at time: Int, unit: Int, _ core: Span<Float>) -> Float {
        let width = eventWidth
        var sum = core[units * width * kernel + unit]
        for place in 0..<kernel {
            let event = time - kernel + 1 + place
            guard event >= 0 else { continue }
            for column in 0..<width { sum += core[(unit * width + column) * kernel + place] * events[event * width + column] }
        }
        return sum
    }

    private func activated(_ z: Float) -> Float {
        switch activation {
        case .relu: z > 0 ? z : 0
        case .gelu: Activation.gelu(z)
        case .tanh: ElementaryFunctions.tanh(z)
        }
    }

    private func slope(_ z: Float) -> Float {
        switch activation {
        case .relu: return z > 0 ? 1 : 0
        case .gelu: return Activation.geluDerivative(z)
        case .tanh:
            let y = ElementaryFunctions.tanh(z)
            return 1 - y * y
        }
    }

    /// The largest value over time of each unit, then the newest; 0 without events.
    func convolve(_ events: [Float], count: Int, _ core: Span<Float>, into output: inout MutableSpan<Float>, at column: Int) {
        for unit in 0..<units {
            var largest: Float = 0
            var newest: Float = 0
            for time in 0..<count {
                newest = activated(convolution(events, at: time, unit: unit, core))
                largest = time == 0 ? newest : max(largest, newest)
            }
            output[column + unit] = largest
            output[column + units + unit] = newest
        }
    }

    func convolveBackward(
        _ events: [Float], count: Int, _ core: Span<Float>, outputGradient: Span<Float>, at column: Int,
        into gradient: inout MutableSpan<Float>, eventGradient: inout [Float]
    ) {
        let width = eventWidth
        for unit in 0..<units {
            var slopes = [Float](repeating: 0, count: count)
            var best = 0
            var largest = -Float.infinity
            var raw = slopes
            for time in 0..<count {
                raw[time] = convolution(events, at: time, unit: unit, core)
                let value = activated(raw[time])
                if value > largest { (largest, best) = (value, time) }
            }
            slopes[best] += outputGradient[column + unit]
            slopes[count - 1] += outputGradient[column + units + unit]
            for time in 0..<count where slopes[time] != 0 {
                let delta = slopes[time] * slope(raw[time])
                guard delta != 0 else { continue }
                gradient[embeddingCount + units * width * kernel + unit] += delta
                for place in 0..<kernel {
                    let event = time - kernel + 1 + place
                    guard event >= 0 else { continue }
                    for input in 0..<width {
                        let weight = (unit * width + input) * kernel + place
                        gradient[embeddingCount + weight] += delta * events[event * width + input]
                        eventGradient[event * width + input] += delta * core[weight]
                    }
                }
            }
        }
    }
}
