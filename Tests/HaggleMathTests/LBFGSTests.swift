import HaggleMath
import Testing

@Suite struct LBFGSTests {
    /// Rosenbrock 1960, in pairs: a bent valley, minimum 0 at (1, ..., 1).
    @Test(arguments: [2, 10])
    func theBentValleyIsFollowedToItsEnd(dimension: Int) {
        let start = (0..<dimension).map { $0 % 2 == 0 ? -1.2 : 1.0 }
        let minimum = LBFGS(stepLimit: 300).minimise(from: start) { x, gradient in
            var value = 0.0
            for i in stride(from: 0, to: dimension, by: 2) {
                let (a, b) = (1 - x[i], x[i + 1] - x[i] * x[i])
                value += a * a + 100 * b * b
                gradient[i] = -2 * a - 400 * x[i] * b
                gradient[i + 1] = 200 * b
            }
            return value
        }
        #expect(minimum.isConverged)
        #expect(minimum.slope <= 1e-8)
        // Curvature at the minimum is about 0.4 along the valley.
        #expect(minimum.point.allSatisfy { abs($0 - 1) < 1e-6 })
        #expect(minimum.stepCount < 100)
    }

    /// sum c_i (x_i - i)^2 with curvatures 1 to 1e6.
    @Test func aStretchedBowlIsFound() {
        let curvatures = (0..<12).map { [1.0, 10, 1e3, 1e6][$0 % 4] }
        let minimum = LBFGS().minimise(from: [Double](repeating: 0, count: 12)) { x, gradient in
            var value = 0.0
            for i in x.indices {
                gradient[i] = 2 * curvatures[i] * (x[i] - Double(i))
                value += curvatures[i] * (x[i] - Double(i)) * (x[i] - Double(i))
            }
            return value
        }
        #expect(minimum.point.enumerated().allSatisfy { abs($1 - Double($0)) < 1e-6 })
    }

    /// Where values beyond a wall are infinite, steps stop before it; at a minimum none is taken.
    @Test func wallsAndMinimaStopIt() {
        let barrier: ([Double], inout [Double]) -> Double = { x, gradient in
            guard x[0] < 1 else { return .infinity }
            gradient[0] = 1 / (1 - x[0]) - 3
            return -ElementaryFunctions.log(1 - x[0]) - 3 * x[0]
        }
        let minimum = LBFGS().minimise(from: [-5], barrier)
        #expect(abs(minimum.point[0] - 2 / 3.0) < 1e-7)
        #expect(LBFGS().minimise(from: minimum.point, barrier).stepCount == 0)
        #expect(LBFGS(stepLimit: 0).minimise(from: [0.5], barrier).point == [0.5])
    }

    @Test func logisticFunctionsHoldAtTheEnds() {
        #expect(ElementaryFunctions.logistic(0) == 0.5)
        #expect(ElementaryFunctions.logistic(800) == 1)
        #expect(ElementaryFunctions.logistic(-800) == 0)
        #expect(ElementaryFunctions.softplus(800) == 800)
        #expect(ElementaryFunctions.softplus(-800) == 0)
        // log(1 + e) and log 2.
        #expect(abs(ElementaryFunctions.softplus(1) - 1.3132616875182228) < 1e-15)
        #expect(abs(ElementaryFunctions.softplus(0) - 0.6931471805599453) < 1e-15)
        #expect(abs(ElementaryFunctions.logistic(-2) - 0.11920292202211755) < 1e-16)
    }
}
