import Foundation
import Testing

@Suite struct UsageTests {
    @Test(arguments: [
        "demo", "serve", "validate", "schema", "plan", "apply", "assign", "simulate", "import", "export", "evaluate", "evaluate-shard",
        "evaluate-merge", "report", "audit", "model", "migrate", "bakeoff", "train", "explain", "recommend", "features build",
        "journal drain", "keys create", "keys list", "keys revoke", "shop purchases", "shop pilot", "shop outcome",
    ])
    func everyCommandHasHelp(_ command: String) throws {
        let outcome = try Program.run(command.split(separator: " ").map(String.init) + ["--help"])
        #expect(outcome.status == 0)
        #expect(outcome.output.contains("USAGE: haggle \(command)"))
    }

    @Test(arguments: [
        ["nonsense"], ["evaluate"], ["evaluate", "x"], ["evaluate", "--log", "a.csv"], ["serve", "--port", "70000"],
        ["demo", "--customers", "0"],
        ["evaluate", "x", "--policy", "uniform", "--since", "yesterday"], ["import", "csv", "f", "--experiment", "x"],
        ["evaluate", "x", "--policy", "uniform", "--interval", "magic"],
    ])
    func wrongUsageExitsTwo(_ arguments: [String]) throws {
        let outcome = try Program.run(arguments)
        #expect(outcome.status == 2, "\(outcome.errors)")
        #expect(outcome.output.isEmpty)
        #expect(outcome.errors.contains("Usage") || outcome.errors.contains("USAGE"))
    }

    @Test func validExperimentsExitZeroAndInvalidOnesNameEveryProblem() throws {
        #expect(try Program.run(["validate", "experiments"]).status == 0)
        let file = FileManager.default.temporaryDirectory.appending(path: "broken-\(UUID().uuidString).yaml")
        defer { try? FileManager.default.removeItem(at: file) }
        try "experiment: Broken\ntype: bandit\narms:\n  - {key: a, discunt: 0.1}\n  - {key: a}\n".write(
            to: file, atomically: true, encoding: .utf8)
        let outcome = try Program.run(["validate", file.path])
        #expect(outcome.status == 1)
        #expect(outcome.errors.split(separator: "\n").count >= 3)
        #expect(outcome.errors.contains("\(file.path):4:"))
        #expect(outcome.errors.contains("discount"))
    }

    @Test func theSchemaIsJSON() throws {
        let outcome = try Program.run(["schema"])
        #expect(outcome.status == 0)
        #expect(try JSONSerialization.jsonObject(with: Data(outcome.output.utf8)) is [String: Any])
    }

    @Test(arguments: ["bash", "zsh", "fish"]) func completionsAreThere(_ shell: String) throws {
        #expect(try Program.run(["--generate-completion-script", shell]).output.contains("evaluate"))
    }

    @Test func aDatabaseThatIsDownIsAClearErrorAndExitsOne() throws {
        // Port 9 (discard) on loopback: nothing listens there.
        let outcome = try Program.run(["plan", "experiments", "--database", "postgresql://127.0.0.1:9/none?connect_timeout=2"])
        #expect(outcome.status == 1)
        #expect(outcome.errors.contains("haggle: "))
        #expect(outcome.output.isEmpty)
    }

    @Test func missingFilesAreNamed() throws {
        let outcome = try Program.run(["evaluate", "--log", "/nowhere/log.csv", "--target", "/nowhere/target.csv"])
        #expect(outcome.status == 1)
        #expect(outcome.errors.contains("/nowhere/"))
    }
}
