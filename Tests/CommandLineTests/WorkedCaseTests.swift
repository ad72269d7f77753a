import Foundation
import Postgres
import TestSupport
import Testing

/// The article WorkedCase, step by step: raw purchases to a strategy, judged by a truth that only the order of the baskets tells.
@Suite(.serialized) struct WorkedCaseTests {
    @Test func aThousandCustomersFromPurchasesToAStrategy() async throws {
        let folder = FileManager.default.temporaryDirectory.appending(path: "haggle-case-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        func path(_ name: String) -> String { folder.appending(path: name).path }
        func run(_ arguments: [String]) throws -> String {
            let outcome = try Program.run(arguments)
            try #require(outcome.status == 0, "\(arguments.joined(separator: " ")): \(outcome.errors)")
            return outcome.output
        }
        func object(_ text: String) throws -> [String: Any] {
            try #require(try JSONSerialization.jsonObject(with: Data(text.utf8)) as? [String: Any])
        }

        _ = try run(["shop", "purchases", "--customers", "1000", "--output", path("purchases.csv")])
        let cleaned = try run([
            "features", "build", "--transactions", path("purchases.csv"), "--as-of", "2026-06-01", "--events", "8", "--output",
            path("customers.csv"), "--schema", path("features.yaml"),
        ])
        // The books hold lines twice, without an amount and of a day that does not exist; all are found and named.
        for finding in ["repeat another exactly", "without an amount", "does not exist", "1000 customers"] {
            #expect(cleaned.contains(finding), "\(finding)")
        }
        _ = try run(["shop", "pilot", "--customers", path("customers.csv"), "--output", path("pilot.csv")])

        let features = try String(contentsOfFile: path("features.yaml"), encoding: .utf8)
        let model = "{kind: [mlp, cnn], hidden: [32], learning_rate: 0.003, epochs: 20, patience: 5}"
        try """
        experiment: winback
        type: bandit
        status: running
        unit: customer_id
        currency: EUR
        arms:
          - {key: none, discount: 0, control: true}
          - {key: ten, discount: 0.10}
          - {key: twenty, discount: 0.20}
        \(features)time_features: false
        reward: {metric: margin, margin_rate: 0.4, window: 7d}
        policy:
          algorithm: neural-thompson
          model: \(model)
        warm_start: {import: pilot.csv}

        """.write(toFile: path("winback.yaml"), atomically: true, encoding: .utf8)
        let training = try object(
            run([
                "train", path("winback.yaml"), "--log", path("pilot.csv"), "--unit-column", "unit", "--time-column", "time", "--folds",
                "3", "--write", path("winback.yaml"), "--format", "json",
            ]))
        let configurations = try #require(training["configurations"] as? [[String: Any]])
        // Sorted by loss: the one that sees the order comes first.
        #expect(configurations.map { "\($0["settings"] ?? "")".contains("cnn") } == [true, false])
        #expect(try String(contentsOfFile: path("winback.yaml"), encoding: .utf8).contains("kind: cnn"))

        // What it would earn, before it is applied: trained on the pilot's first half, judged on its second.
        try "\(features)algorithm: greedy\nfloor: 0\nmodel: \(model.replacingOccurrences(of: "[mlp, cnn]", with: "cnn"))\n"
            .write(toFile: path("candidate.yaml"), atomically: true, encoding: .utf8)
        let evaluation = try object(
            run([
                "evaluate", "--log", path("pilot.csv"), "--unit-column", "unit", "--time-column", "time", "--policy",
                path("candidate.yaml"), "--policy", "uniform", "--train-share", "0.5", "--format", "json",
            ]))
        let policies = try #require(evaluation["policies"] as? [[String: Any]])
        #expect(policies.count == 2)

        try await withDatabase { target in
            _ = try run(["apply", path("winback.yaml"), "--database", target.url])
            let recommended = try object(
                run([
                    "recommend", "winback", "--customers", path("customers.csv"), "--output", path("strategy.csv"), "--format", "json",
                    "--database", target.url,
                ]))
            #expect(recommended["customers"] as? Int == 1000)
            let within = try object(
                run([
                    "recommend", "winback", "--customers", path("customers.csv"), "--output", path("within.csv"), "--budget", "1500",
                    "--format", "json", "--database", target.url,
                ]))
            #expect(try #require(within["expected_cost"] as? Double) <= 1500)
        }
        let free = try object(run(["shop", "outcome", "--strategy", path("strategy.csv"), "--format", "json"]))
        let limited = try object(run(["shop", "outcome", "--strategy", path("within.csv"), "--format", "json"]))
        let arms = try #require(free["expected_by_arm"] as? [String: Double])
        let single = try #require(arms.values.max())
        let best = try #require(free["expected_best"] as? Double)
        let earned = try #require(free["expected"] as? Double)
        // More than half of the way from the best discount for everybody to the best for each: a model that sees no order cannot leave the first
        // far behind, because by order alone customers differ here.
        #expect(earned > single + 0.5 * (best - single), "\(earned) of \(single)...\(best)")
        // A budget costs something, and leaves more than no discount at all.
        let inBudget = try #require(limited["expected"] as? Double)
        #expect(inBudget < earned && inBudget > (arms["none"] ?? .infinity))
    }

    @Test func aStrategyOfStrangersIsRefusedWithItsPlace() throws {
        let folder = FileManager.default.temporaryDirectory.appending(path: "haggle-case-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        let file = folder.appending(path: "strategy.csv").path
        for (text, place) in [
            ("customer,arm\nc1,none\nx9,ten\n", "strategy.csv:3"), ("customer,arm\nc1,none\nc2,fifty\n", "strategy.csv:3"),
            ("customer,arm\nc1,none\nc1,ten\n", "strategy.csv:3"),
        ] {
            try text.write(toFile: file, atomically: true, encoding: .utf8)
            let outcome = try Program.run(["shop", "outcome", "--strategy", file])
            #expect(outcome.status == 1 && outcome.errors.contains(place), "\(outcome.errors)")
        }
    }

    /// A policy whose features the log does not have would be judged as if it saw nothing.
    @Test func aPolicyWithoutItsFeaturesIsRefused() throws {
        let folder = FileManager.default.temporaryDirectory.appending(path: "haggle-case-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        let log = folder.appending(path: "log.csv").path
        let policy = folder.appending(path: "policy.yaml").path
        try ("arm,propensity,reward,y\n" + (0..<200).map { "\($0 % 2 == 0 ? "a" : "b"),0.5,1,\($0)\n" }.joined())
            .write(toFile: log, atomically: true, encoding: .utf8)
        try "context: {x: {type: number}}\nalgorithm: linear-ucb\n".write(toFile: policy, atomically: true, encoding: .utf8)
        let named = try Program.run(["evaluate", "--log", log, "--context", "y", "--policy", policy, "--train-share", "0.5"])
        #expect(named.status == 1 && named.errors.contains("none of its features is in the log"), "\(named.errors)")
        let unnamed = try Program.run(["evaluate", "--log", log, "--policy", policy, "--train-share", "0.5"])
        #expect(unnamed.status == 1 && unnamed.errors.contains("x"), "\(unnamed.errors)")
    }
}
