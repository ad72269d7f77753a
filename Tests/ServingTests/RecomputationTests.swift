import HaggleCore
import Policies
import Serving
import Testing

struct RecomputationTests {
    private static func row(
        _ assigner: Assigner, _ experiment: Experiment, _ request: AssignmentRequest, _ number: Int
    ) -> Impression {
        assigner.assign(request, impressionID: ServingFixture.id(number), now: ServingFixture.now)
            .impression(arms: experiment.arms, isDeferred: false, at: ServingFixture.now)
    }

    @Test func servedRowsAgreeInEveryBit() throws {
        let experiment = ServingFixture.experiment {
            $0.holdout = 0.2
            $0.traffic = 0.7
        }
        let snapshot = try ServingFixture.learned(experiment)
        let recomputation = try Recomputation(experiment: experiment, version: 4, snapshot: snapshot)
        let assigner = try ServingFixture.assigner(experiment, snapshot: snapshot)
        var reasons: Set<Reason> = []
        for number in 0..<500 {
            let request = ServingFixture.request(
                number, recency: Double(number % 17) / 3, eligible: number % 5 == 0 ? [0, 2] : nil,
                requestID: number % 3 == 0 ? "request-\(number)" : nil)
            let row = Self.row(assigner, experiment, request, number)
            reasons.insert(row.reason)
            // Control because of a cut names no snapshot, so it is recomputed without one.
            let judge = row.snapshot == nil ? try Recomputation(experiment: experiment, version: 4, snapshot: nil) : recomputation
            #expect(judge.check(row).match == .bits, "\(row.reason)")
        }
        #expect(reasons == [.policy, .holdout, .notInTraffic])
    }

    @Test func killSwitchAndMissingSnapshotAreTakenFromTheRow() throws {
        let experiment = ServingFixture.experiment()
        let recomputation = try Recomputation(experiment: experiment, version: 4, snapshot: nil)
        let paused = try ServingFixture.assigner(experiment, isPaused: true, snapshot: try ServingFixture.learned(experiment))
        let empty = try ServingFixture.assigner(experiment, snapshot: nil)
        for (assigner, reason) in [(paused, Reason.paused), (empty, .noSnapshot)] {
            let row = Self.row(assigner, experiment, ServingFixture.request(1), 1)
            #expect(row.reason == reason)
            #expect(recomputation.check(row).match == .bits)
        }
    }

    @Test func splitIsRecomputedFromTheUnit() throws {
        let experiment = ServingFixture.split([0.2, 0.5, 0.3])
        let recomputation = try Recomputation(experiment: experiment, version: 4, snapshot: nil)
        let assigner = try ServingFixture.assigner(experiment, snapshot: nil)
        for number in 0..<100 {
            var row = Self.row(assigner, experiment, ServingFixture.request(number), number)
            #expect(recomputation.check(row).match == .bits)
            row.unit = UnitID("somebody else")
            let result = recomputation.check(row)
            #expect(result.match == .mismatch && result.differences.contains { $0.field == "draw_key" })
        }
    }

    /// What may change in a row, and the field that gives it away.
    static let changes: [(field: String, change: @Sendable (inout Impression) -> Void)] = [
        ("propensity", { $0.propensity = 0.5 }), ("propensities", { $0.propensities = [0.5, 0.25, 0.25] }),
        ("propensities", { $0.propensities = nil }), ("reason", { $0.reason = .holdout }), ("variant", { $0.variant = .control }),
        ("propensities", { $0.context = ["recency": 40] }), ("eligible_arms", { $0.eligibleArms = ["ten", "twenty", "five"] }),
        ("eligible_arms", { $0.eligibleArms.reverse() }), ("draw_key", { $0.drawKey = nil }), ("draw_key", { $0.unit = nil }),
    ]

    @Test(arguments: changes.indices) func changedRowIsFound(_ index: Int) throws {
        let experiment = ServingFixture.experiment()
        let snapshot = try ServingFixture.learned(experiment)
        let assigner = try ServingFixture.assigner(experiment, snapshot: snapshot)
        let recomputation = try Recomputation(experiment: experiment, version: 4, snapshot: snapshot)
        var row = Self.row(assigner, experiment, ServingFixture.request(3), 3)
        Self.changes[index].change(&row)
        let result = recomputation.check(row)
        #expect(result.match == .mismatch)
        #expect(result.differences.contains { $0.field == Self.changes[index].field }, "\(result.differences)")
    }

    @Test func otherDrawIsFoundByItsArm() throws {
        let experiment = ServingFixture.experiment()
        let snapshot = try ServingFixture.learned(experiment)
        let assigner = try ServingFixture.assigner(experiment, snapshot: snapshot)
        let recomputation = try Recomputation(experiment: experiment, version: 4, snapshot: snapshot)
        var found = 0
        for number in 0..<50 {
            var row = Self.row(assigner, experiment, ServingFixture.request(number), number)
            row.drawKey = "another"
            let result = recomputation.check(row)
            // The same arm may be drawn by chance: then the row says nothing false about the arm.
            guard result.match != .bits else { continue }
            #expect(result.match == .mismatch && result.differences.contains { $0.field == "arm" })
            found += 1
        }
        #expect(found > 10)
    }

    @Test(arguments: [(1e-12, Recomputation.Match.close), (1e-8, .mismatch)]) func roundingIsToldFromError(
        _ difference: Double, _ match: Recomputation.Match
    ) throws {
        let experiment = ServingFixture.experiment()
        let snapshot = try ServingFixture.learned(experiment)
        let assigner = try ServingFixture.assigner(experiment, snapshot: snapshot)
        var row = Self.row(assigner, experiment, ServingFixture.request(3), 3)
        row.propensities?[0] += difference
        row.propensities?[1] -= difference
        let result = try Recomputation(experiment: experiment, version: 4, snapshot: snapshot).check(row)
        #expect(result.match == match && result.differences.map(\.field) == ["propensities"])
    }

    @Test func repeatedRowShowsTheOriginalsArmForCertain() throws {
        let experiment = ServingFixture.split([0.2, 0.5, 0.3])
        let recomputation = try Recomputation(experiment: experiment, version: 4, snapshot: nil)
        let assigner = try ServingFixture.assigner(experiment, snapshot: nil)
        let original = Self.row(assigner, experiment, ServingFixture.request(1), 1)
        var row = original
        row.repeatedOf = original.id
        row.propensity = 1
        row.propensities = row.eligibleArms.map { $0 == original.arm ? 1 : 0 }
        #expect(recomputation.check(row, repeating: original.arm).match == .bits)
        row.propensity = 0.5
        #expect(recomputation.check(row, repeating: original.arm).match == .mismatch)
    }
}
