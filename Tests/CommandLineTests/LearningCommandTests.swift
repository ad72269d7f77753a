import Foundation
import Testing

/// Purchases to features, a table to a bakeoff, a log to a trained model: as processes, on files whose truth is known.
@Suite struct LearningCommandTests {
    private func withFolder(_ body: (URL) throws -> Void) throws {
        let folder = FileManager.default.temporaryDirectory.appending(path: "haggle-learning-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        try body(folder)
    }

    private func write(_ text: String, _ name: String, in folder: URL) throws -> String {
        let file = folder.appending(path: name)
        try text.write(to: file, atomically: true, encoding: .utf8)
        return file.path
    }

    /// Two orders before the moment and one after it, which must not show; 30 and 10 euros are 40, ten days after the last.
    @Test func purchasesBecomeOneRowACustomer() throws {
        try withFolder { folder in
            let purchases = try write(
                "customer,time,amount,discount\nc1,2026-01-01,30,0\nc1,2026-01-21,10,10\nc1,2026-02-05,99,0\nc2,2026-02-01,5,0\n",
                "purchases.csv", in: folder)
            let output = folder.appending(path: "customers.csv").path
            let outcome = try Program.run([
                "features", "build", "--transactions", purchases, "--as-of", "2026-01-31", "--outliers", "none", "--output", output,
            ])
            #expect(outcome.status == 0, "\(outcome.errors)")
            let lines = try String(contentsOfFile: output, encoding: .utf8).split(separator: "\n")
            let names = lines[0].split(separator: ",").map(String.init)
            let values = lines[1].split(separator: ",", omittingEmptySubsequences: false).map(String.init)
            func value(_ name: String) -> Double? { names.firstIndex(of: name).flatMap { Double(values[$0]) } }
            #expect(lines.count == 2)
            #expect(value("orders") == 2)
            #expect(value("monetary") == 40)
            #expect(value("recency_days") == 10)
            #expect(value("tenure_days") == 30)
            #expect(value("discount_share") == 0.5)
            #expect(value("discount_depth") == 0.5)
        }
    }

    @Test func aFileWithoutTheColumnsIsRefusedByName() throws {
        try withFolder { folder in
            let purchases = try write("who,paid\nc1,3\n", "purchases.csv", in: folder)
            let outcome = try Program.run([
                "features", "build", "--transactions", purchases, "--as-of", "2026-01-31", "--output", folder.path + "/out.csv",
            ])
            #expect(outcome.status == 1)
            #expect(outcome.errors.contains("purchases.csv"), "\(outcome.errors)")
            #expect(outcome.errors.contains("customer"), "\(outcome.errors)")
        }
    }

    /// The label is the sign of the one column: whoever looks at it is right nearly always after a few rounds; an even choice in half of them.
    @Test func bakeoffTellsWhoLearns() throws {
        try withFolder { folder in
            let rows = (0..<600).map { row in "\(Double((row * 37) % 101) - 50.5),\((row * 37) % 101 > 50 ? "up" : "down")" }
            let data = try write("x,label\n" + rows.joined(separator: "\n") + "\n", "rows.csv", in: folder)
            let outcome = try Program.run([
                "bakeoff", "--data", data, "--label", "label", "--policy", "auto", "--policy", "uniform", "--format", "json",
            ])
            #expect(outcome.status == 0, "\(outcome.errors)")
            let json = try #require(JSONSerialization.jsonObject(with: Data(outcome.output.utf8)) as? [String: Any])
            #expect(json["rounds"] as? Int == 600)
            let policies = try #require(json["policies"] as? [[String: Any]])
            let expected = policies.map { ($0["expected_reward"] as? Double) ?? .nan }
            #expect(expected[0] > 0.9, "\(expected)")
            #expect(expected[1] == 0.5)
        }
    }

    /// The reward is 3 x on one arm and nothing on the other: a linear model explains it, and the file gets what was found.
    @Test func trainFindsTheModelAndWritesIt() throws {
        try withFolder { folder in
            let file = try write(
                """
                experiment: e
                type: bandit
                arms: [{key: a, control: true}, {key: b}]
                context: {x: {type: number}}
                reward: {metric: value, window: 1d}
                policy:
                  algorithm: greedy
                  model: {kind: [linear, mlp], epochs: 1}  # which one?

                """, "e.yaml", in: folder)
            let rows = (0..<400).map { row -> String in
                let x = Double((row * 61) % 97) / 48 - 1
                return row % 2 == 0 ? "a,0.5,\(3 * x + Double(row % 5) / 50),\(x)" : "b,0.5,\(Double(row % 7) / 50),\(x)"
            }
            let log = try write("arm,propensity,reward,x\n" + rows.joined(separator: "\n") + "\n", "log.csv", in: folder)
            let arguments = ["train", file, "--log", log, "--folds", "3", "--output", folder.path + "/out", "--format", "json"]
            let outcome = try Program.run(arguments + ["--tensorboard", folder.path + "/board", "--write", file])
            #expect(outcome.status == 0, "\(outcome.errors)")
            #expect(FileManager.default.fileExists(atPath: folder.path + "/out/training.html"))
            let written = try String(contentsOfFile: file, encoding: .utf8)
            #expect(written.contains("kind: linear"), "\(written)")
            #expect(written.contains("# which one?"))
            #expect(try Program.run(["validate", file]).status == 0)
        }
    }
}
