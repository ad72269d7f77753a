import Foundation
import Testing

/// `haggle evaluate` on logs with contexts, and in shards, as a person runs it.
@Suite struct EvaluationCommandTests {
    private static let arms = ["none", "five", "ten"]

    /// A folder that goes away again.
    private func withFolder(_ body: (URL) throws -> Void) throws {
        let folder = FileManager.default.temporaryDirectory.appending(path: "haggle-evaluate-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        try body(folder)
    }

    private func write(_ text: String, _ name: String, in folder: URL) throws -> String {
        let file = folder.appending(path: name)
        try text.write(to: file, atomically: true, encoding: .utf8)
        return file.path
    }

    /// A log with contexts: web customers were mostly shown `none`, app customers mostly `ten`; a row's reward is 1 every third time.
    private func rows(_ count: Int) -> [String] {
        (0..<count).map { index in
            let isWeb = index % 2 == 0
            let arm = (index * 7 + index / 5) % 3
            let propensity = isWeb ? [0.5, 0.25, 0.25][arm] : [0.25, 0.25, 0.5][arm]
            let columns = [
                "2026-11-0\(1 + index * 9 / count)T00:00:00Z", "u\(index % (count / 3))", isWeb ? "web" : "app", "\(index % 90)",
                Self.arms[arm], "\(propensity)", index % 3 == 0 ? "1" : "0", "0.2", "0.3", "0.5", "0.1", "0.2", "0.4",
            ]
            return columns.joined(separator: ",")
        }
    }

    private static let header =
        "time,customer,channel,recency,arm,propensity,reward,target_none,target_five,target_ten,qhat_none,qhat_five,qhat_ten"

    private func csv(_ rows: some Sequence<String>) -> String { ([Self.header] + rows).joined(separator: "\n") + "\n" }

    private func report(_ arguments: [String]) throws -> [String: Any] {
        let outcome = try Program.run(arguments + ["--format", "json", "--force"])
        let json = try? JSONSerialization.jsonObject(with: Data(outcome.output.utf8)) as? [String: Any]
        return try #require(json, "\(outcome.errors)")
    }

    /// Every number below `policies` and `differences`, by its place.
    private func numbers(_ value: Any, at path: String, into found: inout [String: Double]) {
        if let object = value as? [String: Any] {
            for (key, child) in object { numbers(child, at: path + "/" + key, into: &found) }
        } else if let list = value as? [Any] {
            for (index, child) in list.enumerated() { numbers(child, at: path + "/\(index)", into: &found) }
        } else if let number = value as? Double {
            found[path] = number
        }
    }

    /// 1e-12 is the contract of merging; absolute below 1, where differences of near numbers lie.
    @Test(arguments: [true, false])
    func shardsMergeIntoTheReportOfOneProcess(hasUnits: Bool) throws {
        try withFolder { folder in
            let rows = rows(900)
            let parts = [rows[..<200], rows[200..<450], rows[450...]]
            let flags =
                ["--arms", "none,five,ten", "--policy", "columns:target_", "--policy", "arm:ten", "--reward-model", "qhat_"]
                + ["--interval", "normal", "--interval", "bootstrap", "--resamples", "50"]
                + (hasUnits ? ["--unit-column", "customer"] : [])
            func state(_ rows: some Sequence<String>, _ name: String, _ firstRow: Int) throws -> String {
                let path = try write(csv(rows), name + ".csv", in: folder)
                let process = try Program.start(["evaluate-shard", path, "--first-row", "\(firstRow)"] + flags, folder: folder)
                process.waitUntilExit()
                #expect(process.terminationStatus == 0)
                let state = folder.appending(path: name + ".state")
                try FileManager.default.copyItem(at: folder.appending(path: "out"), to: state)
                return state.path
            }
            let whole = try report(["evaluate-merge", try state(rows, "whole", 0)])
            let states = try zip(parts, ["a", "b", "c"]).map { try state($0, $1, $0.startIndex) }
            let merged = try report(["evaluate-merge", states[2], states[0], states[1]])
            var expected: [String: Double] = [:]
            var found: [String: Double] = [:]
            for key in ["n", "policies", "differences"] {
                numbers(try #require(whole[key]), at: key, into: &expected)
                numbers(try #require(merged[key]), at: key, into: &found)
            }
            #expect(expected.count > 100 && Set(found.keys) == Set(expected.keys))
            for (place, number) in expected { #expect(abs((found[place] ?? .nan) - number) <= 1e-12 * max(1, abs(number)), "\(place)") }

            let twice = try Program.run(["evaluate-merge", states[0], states[0]])
            #expect(twice.status == 1 && twice.errors.contains("are in both"))
        }
    }

    /// The mean of w r by hand: `always ten` weighs a row that showed ten with 1 / p, all others with 0.
    @Test func policiesAreAskedForTheContextsOfAFile() throws {
        try withFolder { folder in
            let rows = rows(900)
            let log = try write(csv(rows), "log.csv", in: folder)
            let json = try report([
                "evaluate", "--log", log, "--context", "channel,recency", "--policy", "arm:ten", "--estimator", "IPS", "--where",
                "channel = 'app' and recency >= 30", "--by", "channel",
            ])
            let kept = rows.map { $0.split(separator: ",") }.filter { $0[2] == "app" && (Double($0[3]) ?? 0) >= 30 }
            let total = kept.reduce(0) { $0 + ($1[4] == "ten" ? (Double($1[6]) ?? .nan) / (Double($1[5]) ?? .nan) : 0) }
            #expect(json["n"] as? Int == kept.count)
            #expect((json["excluded"] as? [String: Int])?["FILTERED"] == 900 - kept.count)
            let policy = try #require((json["policies"] as? [[String: Any]])?.first)
            let value = try #require((policy["estimates"] as? [[String: Any]])?.first?["value"] as? Double)
            #expect(abs(value - total / Double(kept.count)) < 1e-12)
            #expect((json["segments"] as? [[String: Any]])?.map { $0["value"] as? String } == ["app"])
        }
    }

    /// A table of probabilities is the same as the policy that it writes down.
    @Test func aTableOfProbabilitiesIsATarget() throws {
        try withFolder { folder in
            let log = try write(csv(rows(300)), "log.csv", in: folder)
            let table = try write("ten,none,five\n" + String(repeating: "1,0,0\n", count: 300), "table.csv", in: folder)
            let json = try report(["evaluate", "--log", log, "--policy", table, "--policy", "arm:ten", "--estimator", "SNIPS"])
            let values = try #require(json["policies"] as? [[String: Any]]).map {
                ($0["estimates"] as? [[String: Any]])?.first?["value"] as? Double
            }
            #expect(values.count == 2 && values[0] != nil && values[0] == values[1])
        }
    }

    @Test(arguments: [
        (["--policy", "arm:twenty"], "none"), (["--policy", "uniform", "--by", "colour"], "--by"),
        (["--policy", "uniform", "--where", "chanel = 'web'"], "did you mean 'channel'"),
        (["--policy", "uniform", "--where", "recency > 1000"], "leaves none"),
        (["--policy", "uniform", "--interval", "hoeffding"], "--reward-range"), (["--policy", "replay:SHORT"], "SHORT"),
        (["--policy", "uniform", "--propensity-column", "p"], "`p`"), (["--policy", "uniform", "--estimator", "Guess"], "Guess"),
    ])
    func whatCannotBeEvaluatedIsAClearError(_ arguments: [String], _ words: String) throws {
        try withFolder { folder in
            let log = try write(csv(rows(90)), "log.csv", in: folder)
            let outcome = try Program.run(["evaluate", "--log", log, "--context", "channel,recency"] + arguments)
            #expect(outcome.status == 1 && outcome.output.isEmpty)
            #expect(outcome.errors.contains(words), "\(outcome.errors)")
        }
    }

    /// The report is printed before the file is tried.
    @Test func aReportThatCannotBeWrittenIsNotLost() throws {
        try withFolder { folder in
            let log = try write(csv(rows(900)), "log.csv", in: folder)
            let arguments = ["evaluate", "--log", log, "--policy", "uniform", "--reward-model", "none"]
            let lost = try Program.run(arguments + ["--output", "/nowhere/report.html"])
            #expect(lost.status == 1 && lost.errors.contains("cannot be written") && lost.output.contains("uniform"))
            let page = folder.appending(path: "report.html")
            #expect(try Program.run(arguments + ["--output", page.path]).status == 0)
            #expect(try String(contentsOf: page, encoding: .utf8).contains("</html>"))
        }
    }
}
