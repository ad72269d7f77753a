import HaggleCore
import HaggleMath
import Policies
import Serving

/// One assignment without HTTP or database.
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
        precondition(armSum >= 0)
    }
}
