import HaggleMath
import Learning
import Testing

struct DelayDistributionTests {
    /// Without censoring the estimate is the empirical distribution, and those who never convert do not matter.
    @Test func withoutCensoringItIsTheEmpiricalDistribution() throws {
        let arrivals = (1...40).map { Double($0) }
        for never in [0, 1000] {
            let delays = try #require(
                DelayDistribution(arrivals: arrivals, closedCount: never, openAges: [], hasClosed: 40 + never, windowSeconds: 100))
            #expect(delays.share(arrivedBy: 0.5) == 0)
            for (age, expected) in [(1.0, 1.0 / 40), (10.5, 0.25), (20, 0.5), (39.9, 39.0 / 40), (40, 1), (99, 1), (100, 1), (500, 1)] {
                #expect(abs(delays.share(arrivedBy: age) - expected) < 1e-12, "\(age) of \(never)")
            }
        }
    }

    /// By hand: 20 arrive at 10 of 100; 40 of the 80 left are censored at 20; 20 of the 40 left arrive at 30.
    /// S(10) = 80/100, S(30) = .8 * 20/40 = .4, so F(10) = .2/.6 and F(30) = 1.
    @Test func censoredImpressionsLeaveTheRiskSet() throws {
        let delays = try #require(
            DelayDistribution(
                arrivals: [Double](repeating: 10, count: 20) + [Double](repeating: 30, count: 20), closedCount: 20,
                openAges: [Double](repeating: 20, count: 40), hasClosed: 40, windowSeconds: 50))
        #expect(delays.share(arrivedBy: 9.9) == 0)
        #expect(abs(delays.share(arrivedBy: 10) - 1.0 / 3) < 1e-12)
        #expect(abs(delays.share(arrivedBy: 29.9) - 1.0 / 3) < 1e-12)
        #expect(delays.share(arrivedBy: 30) == 1)
    }

    /// Exponential delays of mean 300 in a window of 1000, watched for a random time: the truth is (1 - e^(-t/300)) / (1 - e^(-10/3)). Counting
    /// arrivals only, without censoring, would give .47 at 100 in place of .29.
    @Test func censoringIsNotMistakenForQuickness() throws {
        var generator = SeededGenerator(seed: 4)
        var arrivals: [Double] = []
        var ages: [Double] = []
        var closed = 0
        for _ in 0..<20_000 {
            // Half of them are closed; the ages of the rest are spread over the window, newest most.
            let age = generator.uniform() < 0.2 ? 1000 : 1000 * generator.uniform() * generator.uniform()
            let delay = generator.uniform() < 0.4 ? 300 * generator.exponential() : .infinity
            if delay < age { arrivals.append(delay) } else if age == 1000 { closed += 1 } else { ages.append(age) }
        }
        let delays = try #require(
            DelayDistribution(arrivals: arrivals, closedCount: closed, openAges: ages, hasClosed: 4000, windowSeconds: 1000))
        for age in [50.0, 100, 300, 700] {
            let truth = (1 - exponential(-age / 300)) / (1 - exponential(-1000.0 / 300))
            // About 2 800 arrivals: standard error below .015.
            #expect(abs(delays.share(arrivedBy: age) - truth) < 0.04, "\(age)")
        }
        let naive = Double(arrivals.count { $0 <= 100 }) / Double(arrivals.count)
        let truth = (1 - exponential(-100.0 / 300)) / (1 - exponential(-1000.0 / 300))
        #expect(naive > truth + 0.08, "the world must be one in which censoring matters")
    }

    @Test func tooLittleIsNoEstimate() {
        let many = [Double](repeating: 5, count: 30)
        #expect(DelayDistribution(arrivals: Array(many[..<19]), closedCount: 500, openAges: [], hasClosed: 500, windowSeconds: 10) == nil)
        // Nobody has been followed to the close: the tail is unknown.
        #expect(DelayDistribution(arrivals: many, closedCount: 0, openAges: many, hasClosed: 19, windowSeconds: 10) == nil)
        #expect(DelayDistribution(arrivals: many, closedCount: 0, openAges: many, hasClosed: 20, windowSeconds: 10) != nil)
    }

    /// e^x by its series on a halved argument, independent of the platform's.
    private func exponential(_ x: Double) -> Double {
        var term = 1.0
        var sum = 1.0
        let small = x / 64
        for order in 1..<20 {
            term *= small / Double(order)
            sum += term
        }
        var result = sum
        for _ in 0..<6 { result *= result }
        return result
    }
}
