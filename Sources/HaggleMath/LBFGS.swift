/// Minimises a smooth function of many variables by the limited-memory BFGS method (Liu & Nocedal 1989).
///
/// Each step goes along `-H g` with H built from the last `memory` pairs of steps and changes of the gradient, and is as long as the weak
/// Wolfe conditions ask (bisection of Lewis & Overton 2013, constants 1e-4 and 0.9). No randomness and a fixed order of summation: equal
/// inputs give equal bits on one machine. Where the function is not convex it finds a stationary point at or below where it started.
package struct LBFGS: Sendable {
    /// What came of a minimisation.
    package struct Minimum: Hashable, Sendable {
        package let point: [Double]
        package let value: Double
        /// Largest element of the gradient, without its sign.
        package let slope: Double
        /// Steps taken.
        package let stepCount: Int
        /// Whether `slope` came down to the tolerance; false where steps ran out, progress ended, or rounding left no lower value to be
        /// found.
        package let isConverged: Bool
    }

    /// Pairs that are remembered.
    package let memory: Int
    /// Most steps.
    package let stepLimit: Int
    /// Steps end where no element of the gradient is larger than this.
    package let tolerance: Double
    /// Steps also end where the last ten lowered the value by no more than this altogether.
    package let leastProgress: Double

    /// - Precondition: `memory >= 1`; the others are not negative.
    package init(memory: Int = 10, stepLimit: Int = 500, tolerance: Double = 1e-8, leastProgress: Double = 0) {
        precondition(
            memory >= 1 && stepLimit >= 0 && tolerance >= 0 && leastProgress >= 0, "a minimisation needs memory and limits")
        self.leastProgress = leastProgress
        self.memory = memory
        self.stepLimit = stepLimit
        self.tolerance = tolerance
    }

    /// Minimises from a starting point.
    /// - Parameter objective: returns the value at a point and writes the gradient there, of the point's length. A value that is not finite
    ///   counts as too high; at `start` it must be finite.
    package func minimise(
        from start: [Double], _ objective: (_ point: [Double], _ gradient: inout [Double]) throws -> Double
    ) rethrows -> Minimum {
        var point = start
        var gradient = [Double](repeating: 0, count: start.count)
        var value = try objective(point, &gradient)
        var pairs: [Pair] = []
        var stepCount = 0
        var milestone = value
        while stepCount < stepLimit, Self.largest(gradient) > tolerance {
            var direction = Self.direction(gradient, pairs)
            var slope = Self.product(direction, gradient)
            if !(slope < 0) {
                pairs = []
                direction = gradient.map { -$0 }
                slope = -Self.product(gradient, gradient)
            }
            // Without a pair the length of the gradient says nothing about the length of the step.
            var length = pairs.isEmpty ? min(1, 1 / Self.product(gradient, gradient).squareRoot()) : 1
            var (short, long) = (0.0, Double.infinity)
            var next = point
            var nextGradient = gradient
            // The longest step so far that lowers the value enough.
            var found: (point: [Double], value: Double, gradient: [Double])?
            for _ in 0..<60 {
                for index in point.indices { next[index] = point[index] + length * direction[index] }
                let nextValue = try objective(next, &nextGradient)
                if nextValue <= value + 1e-4 * length * slope {
                    found = (next, nextValue, nextGradient)
                    if Self.product(direction, nextGradient) >= 0.9 * slope { break }
                    short = length
                } else {
                    long = length
                }
                length = long.isFinite ? (short + long) / 2 : 2 * length
            }
            guard let found, found.value < value else { break }
            let pair = Pair(
                step: zip(found.point, point).map { $0 - $1 }, change: zip(found.gradient, gradient).map { $0 - $1 })
            if pair.curvature > 1e-14 * Self.product(pair.change, pair.change) {
                if pairs.count == memory { pairs.removeFirst() }
                pairs.append(pair)
            }
            (point, value, gradient) = found
            stepCount += 1
            if stepCount.isMultiple(of: 10) {
                if milestone - value <= leastProgress { break }
                milestone = value
            }
        }
        let slope = Self.largest(gradient)
        return Minimum(point: point, value: value, slope: slope, stepCount: stepCount, isConverged: slope <= tolerance)
    }

    private struct Pair {
        let step: [Double]
        let change: [Double]
        /// step' change.
        let curvature: Double

        init(step: [Double], change: [Double]) {
            self.step = step
            self.change = change
            curvature = LBFGS.product(step, change)
        }
    }

    /// `-H g` by the two loops over the pairs.
    private static func direction(_ gradient: [Double], _ pairs: [Pair]) -> [Double] {
        var result = gradient.map { -$0 }
        var shares = [Double](repeating: 0, count: pairs.count)
        for index in pairs.indices.reversed() {
            shares[index] = product(pairs[index].step, result) / pairs[index].curvature
            for place in result.indices { result[place] -= shares[index] * pairs[index].change[place] }
        }
        if let last = pairs.last {
            let scale = last.curvature / product(last.change, last.change)
            for place in result.indices { result[place] *= scale }
        }
        for index in pairs.indices {
            let other = product(pairs[index].change, result) / pairs[index].curvature
            for place in result.indices { result[place] += (shares[index] - other) * pairs[index].step[place] }
        }
        return result
    }

    private static func largest(_ values: [Double]) -> Double {
        var result = 0.0
        for value in values { result = max(result, abs(value)) }
        return result
    }

    private static func product(_ left: [Double], _ right: [Double]) -> Double {
        var sum = 0.0
        for index in left.indices { sum += left[index] * right[index] }
        return sum
    }
}
