import HaggleCore
import Policies
import Testing

@Suite struct SnapshotPanelTests {
    /// Snapshots of two networks, of a linear model and of one without context, in a mixed order.
    @Test func aPanelGivesWhatItsSnapshotsGive() throws {
        let first = try ServingSnapshotTests.trained(.neuralThompson)
        var learner = PolicyLearner(first)
        var increments: [ServingSnapshot] = []
        for (index, row) in World.linear.log(count: 60, seed: 3).enumerated() {
            learner.fold(row)
            if index % 20 == 19 { increments.append(learner.snapshot(version: SnapshotVersion(100 + index))) }
        }
        let snapshots =
            [
                first, try ServingSnapshotTests.trained(.uniform), increments[0],
                try ServingSnapshotTests.trained(.neuralThompson, rows: 200),
            ]
            + [
                increments[1], try ServingSnapshotTests.trained(.linearUCB), try ServingSnapshotTests.trained(.greedy), increments[2],
                first,
            ]
        let panel = SnapshotPanel(snapshots)
        #expect(panel.policies.map(\.snapshot) == snapshots)
        for context in World.oddContexts {
            for eligible in [[0, 1, 2], [1], [0, 2]] {
                let expected = snapshots.map { SnapshotPolicy($0).distribution(over: eligible, in: context) }
                #expect(panel.distributions(over: eligible, in: context) == expected)
            }
        }
        #expect(SnapshotPanel([]).distributions(over: [0], in: [:]).isEmpty)
    }
}
