import Experiments
import HaggleCore
import HaggleMath
import Policies
import Serving
import Testing

struct DrawTests {
    /// Each arm's count is a sum of independent Bernoulli draws with the logged propensities, so its variance is at most n p (1 - p) with the mean
    /// p; 5 standard errors are missed by chance once in 1.7 million.
    @Test(arguments: [nil, [0, 2]] as [[Int]?]) func frequenciesMatchTheLoggedPropensities(eligible: [Int]?) throws {
        let experiment = ServingFixture.experiment()
        let snapshot = try ServingFixture.learned(experiment)
        let assigner = try ServingFixture.assigner(experiment, snapshot: snapshot)
        let policy = SnapshotPolicy(snapshot)
        var generator = SeededGenerator(seed: 8)
        let contexts = (0..<50).map { _ in generator.normal() }
        let count = 20_000
        var drawn = [0.0, 0, 0]
        var expected = [0.0, 0, 0]
        for number in 0..<count {
            let request = ServingFixture.request(number, recency: contexts[number % contexts.count], eligible: eligible)
            let assignment = assigner.assign(request, impressionID: ServingFixture.id(number), now: ServingFixture.now)
            #expect(assignment.reason == .policy)
            if number < contexts.count {
                // What is logged is what the policy says, bit for bit.
                #expect(assignment.distribution == policy.distribution(over: eligible ?? [0, 1, 2], in: request.context))
                #expect(abs(assignment.distribution.probabilities.reduce(0, +) - 1) < 1e-12)
            }
            drawn[assignment.arm] += 1
            for arm in 0..<3 { expected[arm] += assignment.distribution[arm] }
        }
        for arm in 0..<3 {
            let share = expected[arm] / Double(count)
            guard (eligible ?? [0, 1, 2]).contains(arm) else {
                #expect(drawn[arm] == 0 && expected[arm] == 0)
                continue
            }
            #expect(share >= 0.03 - 1e-12 && share < 0.97)
            let error = (share * (1 - share) * Double(count)).squareRoot()
            #expect(abs(drawn[arm] - expected[arm]) < 5 * error, "arm \(arm): drawn \(drawn[arm]), expected \(expected[arm])")
        }
    }

    @Test func requestIDDecidesTheDraw() throws {
        let experiment = ServingFixture.experiment()
        let assigner = try ServingFixture.assigner(experiment, snapshot: ServingFixture.learned(experiment))
        var arms: Set<Int> = []
        for request in 0..<200 {
            let id = "request-\(request)"
            let answers = (0..<3).map { attempt in
                assigner.assign(
                    ServingFixture.request(request, requestID: id), impressionID: ServingFixture.id(1000 * attempt + request),
                    now: ServingFixture.now + Double(attempt))
            }
            #expect(Set(answers.map(\.arm)).count == 1)
            #expect(answers[0].drawKey == id)
            let repeated = answers[0].distribution.draw(DrawHash.uniform(salt: experiment.salt, key: answers[0].drawKey))
            #expect(repeated == answers[0].arm)
            arms.insert(answers[0].arm)
        }
        #expect(arms == [0, 1, 2])
    }

    @Test(
        arguments: [
            .greedy, .epsilonGreedy, .linearThompson, .linearUCB, .neuralThompson, .neuralUCB, .uniform,
        ] as [PolicyConfiguration.Algorithm])
    func firstSnapshotIsEven(algorithm: PolicyConfiguration.Algorithm) throws {
        let experiment = ServingFixture.experiment { $0.policy = PolicyConfiguration(algorithm: algorithm, floor: 0.1) }
        let snapshot = ServingSnapshot.initial(experiment: experiment, experimentVersion: 4)
        let assigner = try ServingFixture.assigner(experiment, snapshot: snapshot)
        for (eligible, share) in [([0, 1, 2], 1.0 / 3), ([0, 2], 0.5)] {
            let assignment = assigner.assign(
                ServingFixture.request(1, recency: 2, eligible: eligible), impressionID: ServingFixture.id(1), now: ServingFixture.now)
            #expect(assignment.snapshot == 1 && assignment.reason == .policy)
            for arm in 0..<3 {
                // Exactly even up to the rounding of a few additions.
                #expect(abs(assignment.distribution[arm] - (eligible.contains(arm) ? share : 0)) < 1e-15)
            }
        }
    }

    @Test func storedSnapshotServesTheSameBits() throws {
        let experiment = ServingFixture.experiment()
        let snapshot = try ServingFixture.learned(experiment)
        let first = try ServingFixture.assigner(experiment, snapshot: snapshot)
        let second = try ServingFixture.assigner(experiment, snapshot: ServingSnapshot(serialised: snapshot.serialised()))
        for number in 0..<200 {
            let request = ServingFixture.request(number, recency: Double(number - 100) / 30)
            let id = ServingFixture.id(number)
            #expect(
                first.assign(request, impressionID: id, now: ServingFixture.now)
                    == second.assign(request, impressionID: id, now: ServingFixture.now))
        }
    }
}
