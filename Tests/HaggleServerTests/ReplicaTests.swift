import Catalog
import Foundation
import HaggleCore
import Policies
import Postgres
import Testing

/// Several servers on one database, and what they hear from it.
@Suite struct ReplicaTests {
    @Test func theKillSwitchReachesAnotherServerWithinTwoSeconds() async throws {
        try await RunningService.with { first in
            try await first.withSecond { second in
                #expect(try await second.assign(#"{"unit": "c"}"#).object["reason"] as? String == "POLICY")
                #expect(try await first.client.post("/v1/experiments/checkout/pause").status == 204)
                #expect(try await first.assign(#"{"unit": "c"}"#).object["reason"] as? String == "PAUSED")
                #expect(
                    try await second.eventually(within: 2) {
                        let answer = try await second.assign(#"{"unit": "c"}"#).object
                        return answer["reason"] as? String == "PAUSED" && answer["arm"] as? String == "none"
                            && answer["variant"] as? String == "control"
                    })
                // Applying a version does not lift it.
                _ = try await RunningService.apply(RunningService.experiment(), first.pool)
                #expect(
                    try await second.eventually { try await second.client.get("/v1/experiments/checkout").object["version"] as? Int == 2 })
                #expect(try await second.assign(#"{"unit": "c"}"#).object["reason"] as? String == "PAUSED")
                #expect(try await second.client.post("/v1/experiments/checkout/resume").status == 204)
                #expect(
                    try await first.eventually(within: 2) {
                        try await first.assign(#"{"unit": "c"}"#).object["reason"] as? String == "POLICY"
                    })
            }
        }
    }

    @Test func snapshotsArriveWithoutADroppedRequest() async throws {
        try await RunningService.with { service in
            let experiment = RunningService.experiment()
            let last = 6
            let statuses = try await withThrowingTaskGroup(of: [Int].self) { group in
                for worker in 0..<4 {
                    group.addTask {
                        var statuses: [Int] = []
                        var snapshot = 1
                        // Until the last snapshot serves; the bound ends a test that fails.
                        while snapshot < last, statuses.count < 5000 {
                            let answer = try await service.assign(#"{"unit": "w-\#(worker)", "context": {"recency": 3}}"#)
                            statuses.append(answer.status)
                            let next = answer.object["snapshot"] as? Int ?? 0
                            #expect(next >= snapshot, "snapshots never run back")
                            snapshot = next
                        }
                        #expect(snapshot == last)
                        return statuses
                    }
                }
                for version in 2...last {
                    try await Self.publish(SnapshotVersion(version), of: experiment, service.pool)
                    let seen = try await service.eventually {
                        try await service.client.get("/v1/experiments/checkout").object["snapshot"] as? Int == version
                    }
                    #expect(seen, "snapshot \(version) did not arrive")
                }
                return try await group.reduce(into: []) { $0 += $1 }
            }
            #expect(!statuses.isEmpty && statuses.allSatisfy { $0 == 200 })
            #expect(try await service.count("SELECT count(*) FROM counted_impressions") == statuses.count)
        }
    }

    private static func publish(_ version: SnapshotVersion, of experiment: Experiment, _ pool: ConnectionPool) async throws {
        var snapshot = ServingSnapshot.initial(experiment: experiment, experimentVersion: 1)
        snapshot.version = version
        let bytes = snapshot.serialised()
        try await pool.withTransaction { connection in
            try await Catalog.publish(
                StoredSnapshot(
                    experiment: experiment.key, version: version, parent: SnapshotVersion(version.rawValue - 1), kind: .increment,
                    experimentVersion: 1, networkVersion: 1, bytes: bytes), on: connection)
        }
    }
}
