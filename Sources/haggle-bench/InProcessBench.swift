import HaggleCore
import HaggleMath
import Policies
import Serving

/// One assignment and one posterior update without HTTP or database.
struct InProcessBench {
    let subject: BenchSubject

    func run() {
        guard let assigner = try? Assigner(experiment: subject.experiment, version: 1, isPaused: false, snapshot: subject.snapshot) else {
            return
        }
        var armSum = 0
        let count = 40_000
        func assignAll() {
            for index in 0..<count {
                let time = Timestamp(microseconds: 1_800_000_000_000_000 + Int64(index))
                let id = ImpressionID(time: time, random: (UInt64(index), mix64(UInt64(index))))
                let request = AssignmentRequest(unit: "c-17", context: subject.contexts[index % subject.contexts.count])
                armSum += assigner.assign(request, impressionID: id, now: time).arm
            }
        }
        assignAll()
        let assignment = Bench.seconds { assignAll() } / Double(count)
        Bench.report("assignment, neural-thompson", "\(Bench.fixed(assignment * 1e6)) µs (aim: below 20)")

        var posterior = LinearPosterior(dimension: 64, armCount: 1, ridge: 1)
        var factors = PosteriorFactors(of: posterior)
        var generator = SeededGenerator(seed: 2)
        let rows = (0..<256).map { _ in (0..<64).map { _ in generator.normal() } }
        let updates = 20_000
        let update = Bench.seconds {
            for index in 0..<updates {
                let phi = rows[index % rows.count]
                posterior.add(phi, arm: 0, reward: 1)
                factors.update(phi, arm: 0, weight: 1, posterior: posterior)
            }
        }
        Bench.report("posterior update, 64 dimensions", "\(Bench.fixed(update / Double(updates) * 1e6)) µs (aim: below 10)")
        precondition(armSum >= 0 && posterior.arms[0].weight > 0)
    }
}
