import HaggleCore
import HaggleMath
import Policies

/// Choosing and learning without HTTP or database: a neural choice, a posterior update, training, and a round of a linear bandit.
struct LearningBench {
    let subject: BenchSubject

    func run() throws {
        choice()
        Self.update()
        try TrainingBench().run()
        try LinearRoundBench().run()
    }

    /// The whole choice: context to encoder, network, scores, P(best), floor and draw.
    func choice() {
        let policy = SnapshotPolicy(subject.snapshot)
        let eligible = Array(subject.experiment.arms.indices)
        var workspace = ChoiceWorkspace()
        var armSum = 0
        func choose(_ index: Int) {
            policy.distribute(over: eligible, in: subject.contexts[index % subject.contexts.count], workspace: &workspace)
            armSum += workspace.distribution.draw(Double(index % 1000) / 1000)
        }
        for index in 0..<20_000 { choose(index) }
        var nanoseconds = [Int64](repeating: 0, count: 200_000)
        for index in nanoseconds.indices {
            let start = ContinuousClock.now
            choose(index)
            nanoseconds[index] = (ContinuousClock.now - start).components.attoseconds / 1_000_000_000
        }
        nanoseconds.sort()
        func microseconds(_ share: Double) -> String {
            Bench.fixed(Double(nanoseconds[Int(Double(nanoseconds.count - 1) * share)]) / 1000)
        }
        Bench.report("choice, neural-thompson, median (aim: below 15)", "\(microseconds(0.5)) µs")
        Bench.report("choice, neural-thompson, p99 (aim: below 40)", "\(microseconds(0.99)) µs")
        let allocations = AllocationCount.of { for index in 0..<20_000 { choose(index) } }
        Bench.report(
            "memory allocations in 20 000 choices (aim: 0)", allocations.map { "\($0)" } ?? "not measured: malloc is not glibc's here")
        precondition(armSum >= 0, "arms are positions")
    }

    /// What the learner does with one impression once phi is there: sums, then the factor by a rank-one update.
    static func update() {
        var posterior = LinearPosterior(dimension: 64, armCount: 1, ridge: 1)
        var factors = PosteriorFactors(of: posterior)
        var generator = SeededGenerator(seed: 2)
        let rows = (0..<256).map { _ in (0..<64).map { $0 == 63 ? 1 : generator.normal() } }
        func fold(_ count: Int) -> Double {
            Bench.seconds {
                for index in 0..<count {
                    let phi = rows[index % rows.count]
                    posterior.add(phi, arm: 0, reward: 1)
                    factors.update(phi, arm: 0, weight: 1, posterior: posterior)
                }
            } / Double(count)
        }
        _ = fold(5_000)
        Bench.report("posterior update, 64 dimensions (aim: below 5)", "\(Bench.fixed(fold(50_000) * 1e6)) µs")
        precondition(posterior.arms[0].weight > 0, "rows were folded")
    }
}
