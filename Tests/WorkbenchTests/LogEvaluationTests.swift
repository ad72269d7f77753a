import Evaluation
import EventLog
import Foundation
import HaggleCore
import HaggleMath
import Postgres
import Testing
import Workbench

/// A randomised log imported from CSV, a policy trained on its older half and judged on the newer.
@Suite struct LogEvaluationTests {
    /// Two segments, each with its own best arm: the right arm pays 1 more. Arms are even, so the best policy is worth .5 more than an even split.
    private func csv(rows: Int) -> String {
        var generator = SeededGenerator(seed: 4)
        var text = "segment,arm,reward\n"
        for _ in 0..<rows {
            let segment = generator.uniform() < 0.5 ? "old" : "new"
            let arm = generator.uniform() < 0.5 ? "a" : "b"
            let isRight = (segment == "old") == (arm == "a")
            text += "\(segment),\(arm),\((isRight ? 2 : 1) + 0.5 * generator.normal())\n"
        }
        return text
    }

    private func withFolder(_ body: (URL) async throws -> Void) async throws {
        let folder = FileManager.default.temporaryDirectory.appending(path: "haggle-workbench-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        try await body(folder)
    }

    @Test func aPolicyTrainedOnTheOlderHalfIsJudgedOnTheNewer() async throws {
        try await withFolder { folder in
            try csv(rows: 4000).write(to: folder.appending(path: "log.csv"), atomically: true, encoding: .utf8)
            try "algorithm: linear-thompson\n".write(to: folder.appending(path: "policy.yaml"), atomically: true, encoding: .utf8)
            try await ApplicationTests.withPool { pool in
                let transfer = LogTransfer(pool: pool)
                let job = LogTransfer.Import(
                    source: .csv, path: folder.appending(path: "log.csv").path, experiment: "mail",
                    map: "arm=arm,reward=reward,propensity=1/2",
                    create: folder.appending(path: "mail.yaml").path, control: "a")
                let now = Timestamp(microseconds: 1_800_000_000_000_000)
                #expect(try await transfer.run(job, by: "test", now: now).impressions == 4000)
                var again = job
                again.create = nil
                #expect(try await transfer.run(again, by: "test", now: now).impressions == 0)

                let evaluation = LogEvaluation(
                    .init(policies: ["uniform", "arm:a", folder.appending(path: "policy.yaml").path], trainShare: 0.5))
                let report = try await evaluation.run("mail", pool: pool, asOf: now)
                #expect(report.rowCount == 2000)
                #expect(report.excluded["TRAINING"] == 2000)
                // True values: 1.5 for the first two, 2 for the best policy. 2 000 rows with weights up to 2: standard errors of about .04,
                // and Thompson sampling on 1 000 rows an arm and segment differs from the best by far less.
                for (policy, truth) in zip(report.policies, [1.5, 1.5, 2.0]) {
                    let value = try #require(policy.estimate("DR")?.value)
                    #expect(abs(value - truth) < 0.15, "\(policy.policy)")
                    #expect(policy.verdict == .supported)
                }
                let difference = try #require(report.differences.first { $0.baseline == "uniform" && $0.policy.hasSuffix("policy.yaml") })
                #expect(try #require(difference.intervals.first).lower > 0.2)
            }
        }
    }

    @Test func aPolicyFileWithoutATrainingShareIsRefused() async throws {
        try await withFolder { folder in
            try csv(rows: 200).write(to: folder.appending(path: "log.csv"), atomically: true, encoding: .utf8)
            try "algorithm: greedy\nmodel: {kind: linear}\n".write(
                to: folder.appending(path: "policy.yaml"), atomically: true, encoding: .utf8)
            try await ApplicationTests.withPool { pool in
                let now = Timestamp(microseconds: 1_800_000_000_000_000)
                _ = try await LogTransfer(pool: pool).run(
                    .init(
                        source: .csv, path: folder.appending(path: "log.csv").path, experiment: "mail",
                        map: "arm=arm,reward=reward,propensity=1/2", create: folder.appending(path: "mail.yaml").path), by: "test", now: now
                )
                let evaluation = LogEvaluation(.init(policies: [folder.appending(path: "policy.yaml").path]))
                await #expect(throws: WorkbenchError.self) { try await evaluation.run("mail", pool: pool, asOf: now) }
            }
        }
    }

    @Test(arguments: ["arm:z", "snapshot:0", "snapshot:99", "no-such-file.yaml"]) func unknownTargetsAreRefused(_ name: String) async throws
    {
        try await ApplicationTests.withPool { pool in
            _ = try await Application(pool: pool).apply(ApplicationTests.files(ApplicationTests.text()), confirmed: false, by: "test")
            let evaluation = LogEvaluation(.init(policies: [name]))
            await #expect(throws: (any Error).self) {
                try await evaluation.run("checkout", pool: pool, asOf: Timestamp(microseconds: 1_800_000_000_000_000))
            }
        }
    }
}
