import HaggleCore
import Policies
import Serving
import Testing

struct FallbackTests {
    struct Case: Sendable, CustomTestStringConvertible {
        let reason: Reason
        var isPaused = false
        var hasSnapshot = true
        let change: @Sendable (inout Experiment) -> Void
        var testDescription: String { reason.rawValue }
    }

    static let cases = [
        Case(reason: .paused, isPaused: true) { _ in },
        Case(reason: .paused) { $0.status = .paused },
        Case(reason: .notStarted) { $0.status = .draft },
        Case(reason: .notStarted) { $0.start = ServingFixture.now + 1 },
        Case(reason: .ended) { $0.status = .stopped },
        Case(reason: .ended) { $0.end = ServingFixture.now },
        Case(reason: .holdout) { $0.holdout = 1 },
        Case(reason: .notInTraffic) { $0.traffic = 0 },
        Case(reason: .notTargeted) { $0.targeting = .feature("recency", .greater(10)) },
        Case(reason: .noSnapshot, hasSnapshot: false) { _ in },
    ]

    @Test(arguments: cases) func controlWithAOneHotDistribution(_ expected: Case) throws {
        let experiment = ServingFixture.experiment(expected.change)
        let assigner = try ServingFixture.assigner(
            experiment, isPaused: expected.isPaused, snapshot: expected.hasSnapshot ? ServingFixture.learned(experiment) : nil)
        let assignment = assigner.assign(ServingFixture.request(1), impressionID: ServingFixture.id(1), now: ServingFixture.now)
        #expect(assignment.reason == expected.reason)
        #expect(assignment.arm == 1)
        #expect(assignment.distribution.probabilities == [0, 1, 0])
        #expect(assignment.propensity == 1)
        #expect(assignment.snapshot == nil)
        #expect(assignment.variant == (expected.reason == .holdout ? .holdout : .control))
    }

    @Test(arguments: cases) func firstEligibleArmWhereControlIsNot(_ expected: Case) throws {
        let experiment = ServingFixture.experiment(expected.change)
        let assigner = try ServingFixture.assigner(
            experiment, isPaused: expected.isPaused, snapshot: expected.hasSnapshot ? ServingFixture.learned(experiment) : nil)
        for (eligible, arm) in [([0, 2], 0), ([2], 2), ([1, 2], 1)] {
            let assignment = assigner.assign(
                ServingFixture.request(1, eligible: eligible), impressionID: ServingFixture.id(1), now: ServingFixture.now)
            #expect(assignment.arm == arm)
            #expect(assignment.eligible == eligible)
            #expect(assignment.distribution == .certain(arm, of: 3))
        }
    }

    @Test func splitArmThatIsNotEligibleFallsBack() throws {
        let assigner = try ServingFixture.assigner(ServingFixture.split([1, 0, 0]), snapshot: nil)
        let assignment = assigner.assign(
            ServingFixture.request(1, eligible: [1, 2]), impressionID: ServingFixture.id(1), now: ServingFixture.now)
        #expect(assignment.reason == .fallback && assignment.variant == .control)
        #expect(assignment.distribution == .certain(1, of: 3))
    }

    @Test func rowHoldsKeysAndThePropensitiesOfEligibleArms() throws {
        let experiment = ServingFixture.experiment()
        let assigner = try ServingFixture.assigner(experiment, snapshot: ServingFixture.learned(experiment))
        let request = ServingFixture.request(3, recency: 1, eligible: [0, 2])
        let assignment = assigner.assign(request, impressionID: ServingFixture.id(3), now: ServingFixture.now)
        let row = assignment.impression(arms: experiment.arms, isDeferred: true, at: ServingFixture.now)
        #expect(row.eligibleArms == ["ten", "five"])
        #expect(row.propensities == [assignment.distribution[0], assignment.distribution[2]])
        #expect(row.propensity == assignment.distribution[assignment.arm] && row.arm == experiment.arms[assignment.arm].key)
        #expect(row.id == ServingFixture.id(3) && row.unit == "unit-3" && row.snapshot == 7 && row.experimentVersion == 4)
        #expect(row.context == request.context && row.isDeferred && row.reason == .policy && row.variant == .policy)
        #expect(row.drawKey == row.id.description)
    }
}
