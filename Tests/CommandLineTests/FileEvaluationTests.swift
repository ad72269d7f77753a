import Foundation
import Testing

/// `haggle evaluate --log`, held against numbers worked by hand.
@Suite struct FileEvaluationTests {
    private func evaluate(
        log: String, target: String, qhat: String? = nil, _ options: [String] = ["--force"]
    ) throws -> (Program.Outcome, [String: Any]) {
        let folder = FileManager.default.temporaryDirectory.appending(path: "haggle-files-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        var arguments = ["evaluate", "--format", "json"]
        for (flag, name, text) in [
            ("--log", "log.csv", log), ("--target", "target.csv", target), ("--reward-model", "qhat.csv", qhat ?? ""),
        ]
        where !text.isEmpty {
            try text.write(to: folder.appending(path: name), atomically: true, encoding: .utf8)
            arguments += [flag, folder.appending(path: name).path]
        }
        let outcome = try Program.run(arguments + options)
        let json = try? JSONSerialization.jsonObject(with: Data(outcome.output.utf8)) as? [String: Any]
        return (outcome, json ?? [:])
    }

    private func values(_ json: [String: Any]) -> [String: Double] {
        let policy = (json["policies"] as? [[String: Any]])?.first
        var found: [String: Double] = [:]
        for estimate in policy?["estimates"] as? [[String: Any]] ?? [] {
            if let name = estimate["estimator"] as? String { found[name] = estimate["value"] as? Double }
        }
        return found
    }

    static let log = "arm,propensity,reward\r\na,0.5,1\r\n\"b\",0.25,2\na,0.5,0\nb,0.5,4\n"
    static let target = "a,b\n0.5,0.5\n0.5,0.5\n1,0\n0.25,0.75\n"
    static let qhat = "a,b\n1,2\n1,2\n1,2\n1,2\n"

    /// Weights 1, 2, 2, 1.5. IPS = (1 + 4 + 0 + 6)/4. SNIPS = 11/6.5. DM = (1.5 + 1.5 + 1 + 1.75)/4.
    /// DR adds the mean of w (r - q) = (0 + 0 - 2 + 3)/4 to DM. Quotes and both line ends are RFC 4180.
    @Test func estimatesAreTheFormulas() throws {
        let (_, json) = try evaluate(log: Self.log, target: Self.target, qhat: Self.qhat)
        let found = values(json)
        #expect(abs((found["IPS"] ?? .nan) - 2.75) < 1e-15)
        #expect(abs((found["SNIPS"] ?? .nan) - 11 / 6.5) < 1e-15)
        #expect(abs((found["DM"] ?? .nan) - 1.4375) < 1e-15)
        #expect(abs((found["DR"] ?? .nan) - 1.6875) < 1e-15)
        #expect(json["n"] as? Int == 4)
    }

    @Test func whatTheLogCannotSupportIsWithheldAndExitsOne() throws {
        let (outcome, json) = try evaluate(log: Self.log, target: Self.target, qhat: Self.qhat, [])
        #expect(outcome.status == 1)
        #expect(values(json).isEmpty)
        #expect(((json["policies"] as? [[String: Any]])?.first?["verdict"] as? String) == "unsupported")
    }

    @Test(arguments: [
        ("arm,reward\na,1\n", target, "propensity"), ("arm,propensity,reward\na,0,1\n", "a,b\n1,0\n", ":2"),
        ("arm,propensity,reward\na,0.5,nan\n", "a,b\n1,0\n", ":2"), ("arm,propensity,reward\nz,0.5,1\n", "a,b\n1,0\n", "z"),
        ("arm,propensity,reward\na,0.5,1,7\n", "a,b\n1,0\n", ":2"), ("arm,propensity,reward\na,0.5,1\n", "a,b\n0.5,0.4\n", "sum"),
        ("arm,propensity,reward\na,0.5,1\n", "a,b\n1,0\n1,0\n", "more rows"),
        ("arm,propensity,reward\na,0.5,1\na,0.5,1\n", "a,b\n1,0\n", "ends before"),
        ("arm,propensity,reward\n", "a,b\n", "no rows"), ("", "a,b\n", "--log"),
    ])
    func badFilesAreClearErrors(_ log: String, _ target: String, _ words: String) throws {
        let (outcome, _) = try evaluate(log: log, target: target)
        #expect(outcome.status != 0)
        #expect(outcome.output.isEmpty)
        #expect(outcome.errors.contains(words), "\(outcome.errors)")
    }
}
