import Foundation
import HaggleCore
import Testing

@testable import Experiments

/// Good files that the tests spoil.
enum GoodFile {
    static let arms = """
        arms:
          - {key: none, discount: 0, control: true}
          - {key: ten, discount: 0.1}
        reward:
          metric: margin
          margin_rate: 0.35
          window: 7d

        """
    static let bandit = "experiment: test\ntype: bandit\n" + arms + "policy:\n  algorithm: linear-thompson\n"
    static let ab = "experiment: test\ntype: ab\n" + arms

    static func problems(_ text: String) -> [String] {
        ExperimentFile.parse(text: text, file: "f.yaml").problems.map { "\($0.line):\($0.column): \($0.message)" }
    }

    /// The bandit with more keys at its end.
    static func bandit(with lines: String) -> String {
        bandit.replacing("type: bandit", with: "type: bandit\n" + lines, maxReplacements: 1)
    }

    static func experiment(_ text: String) throws -> Experiment {
        let parsed = ExperimentFile.parse(text: text, file: "f.yaml")
        #expect(parsed.problems.isEmpty, "\(parsed.problems.map(\.description).joined(separator: "\n"))")
        return try #require(parsed.experiment)
    }
}

/// One block of `Fixtures/problems.txt`.
struct SpoiltFile: Sendable, CustomTestStringConvertible {
    var base: String
    var removed: [String] = []
    var added: [String] = []
    var problems: [String] = []

    var testDescription: String { added.joined(separator: "\\n") }

    var text: String {
        get throws {
            let good = base == "ab" ? GoodFile.ab : GoodFile.bandit
            let old = removed.joined(separator: "\n")
            try #require(good.contains(old), "the good file does not contain '\(old)'")
            return good.replacing(old, with: added.joined(separator: "\n"), maxReplacements: 1)
        }
    }

    static let all: [SpoiltFile] = {
        let file = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "Fixtures/problems.txt")
        guard let text = try? String(contentsOf: file, encoding: .utf8) else { return [] }
        var result: [SpoiltFile] = []
        for line in text.split(separator: "\n") {
            let rest = String(line.dropFirst())
            switch line.first {
            case "=": result.append(SpoiltFile(base: rest.trimmingCharacters(in: .whitespaces)))
            case "-": result[result.count - 1].removed.append(rest)
            case "+": result[result.count - 1].added.append(rest)
            case "!": result[result.count - 1].problems.append(rest)
            default: break
            }
        }
        return result
    }()
}

struct ProblemTests {
    @Test func fixtureIsThere() {
        #expect(SpoiltFile.all.count > 100)
        #expect(SpoiltFile.all.allSatisfy { !$0.problems.isEmpty && !$0.removed.isEmpty })
    }

    @Test(arguments: ["bandit", "ab"]) func unspoiltFileHasNoProblem(_ base: String) throws {
        #expect(try GoodFile.experiment(base == "ab" ? GoodFile.ab : GoodFile.bandit).key == "test")
    }

    @Test(arguments: SpoiltFile.all) func everyProblemIsReportedWithItsPlace(_ file: SpoiltFile) throws {
        let text = try file.text
        #expect(GoodFile.problems(text) == file.problems)
        #expect(ExperimentFile.parse(text: text, file: "f.yaml").experiment == nil)
    }

    @Test func problemReadsAsFileLineColumn() {
        let problem = ExperimentFile.parse(text: "experiment: X\n", file: "shop/a.yaml").problems[0]
        #expect(problem.description.hasPrefix("shop/a.yaml:1:1: an experiment: the keys 'type', 'arms' and 'reward' are missing"))
    }

    /// A file with a mistake in every part names them all, in the order of the file.
    @Test func allProblemsOfAFileComeAtOnce() {
        let text = """
            experiment: Summer Sale
            tpye: bandit
            type: bandit
            trafic: 0.5
            traffic: 150%
            arms:
              - {key: none, discount: 0}
              - {key: none, discount: "0.1"}
            context:
              age: {type: numbr}
              channel: {type: category}
            reward:
              metric: profit
              window: 0d
            policy:
              algorithm: neural-thomson
              flor: 0.1
            """
        let places = GoodFile.problems(text).map { $0.split(separator: " ")[0] }
        #expect(
            places == [
                "1:13:", "2:1:", "4:1:", "5:10:", "6:1:", "8:11:", "8:27:", "10:15:", "11:12:", "13:11:", "14:11:", "16:14:", "17:3:",
            ])
    }

    @Test func columnsCountCharactersAndNotBytes() {
        #expect(
            GoodFile.problems(GoodFile.bandit(with: "owner: Zoë\ndescription: {ü: ä, owner: 1}"))[0].hasPrefix(
                "4:14: description: expected text"))
        let arm = GoodFile.bandit.replacing("{key: ten,", with: "{payload: \"für 🎁 dich\", key: ten, colour: 1,")
        #expect(GoodFile.problems(arm)[0].hasPrefix("5:39: unknown key 'colour'"))
    }

    @Test func sameKeyInTwoFilesIsAConflict() {
        let one = ExperimentFile.parse(text: GoodFile.bandit, file: "one.yaml")
        let two = ExperimentFile.parse(text: "# again\n" + GoodFile.ab, file: "two.yaml")
        let other = ExperimentFile.parse(text: GoodFile.ab.replacing("experiment: test", with: "experiment: other"), file: "three.yaml")
        #expect(
            ExperimentFile.conflicts(between: [one, two, other]).map(\.description)
                == ["two.yaml:2:13: experiment 'test' is already defined in one.yaml:1"])
    }

    @Test(arguments: [
        ("polcy", "policy"), ("Policy", "policy"), ("margin-rate", "margin_rate"), ("forbiden_feature", "forbidden_features"),
        ("contxet", "context"),
    ]) func nearWordsAreSuggested(_ word: String, _ meant: String) {
        #expect(Suggestion.nearest(to: word, among: ["experiment", "policy", "margin_rate", "forbidden_features", "context"]) == meant)
    }

    @Test(arguments: ["zebra", "", "po", "experience of life", String(repeating: "policy", count: 20)]) func farWordsAreNot(_ word: String)
    {
        #expect(Suggestion.nearest(to: word, among: ["experiment", "policy", "margin_rate", "end"]) == nil)
    }

    /// Distances by hand: a swap of neighbours is one edit, not two.
    @Test(arguments: [("", "abc", 3), ("abc", "abc", 0), ("abcd", "acbd", 1), ("kitten", "sitting", 3), ("ca", "abc", 3)])
    func distanceIsOptimalStringAlignment(_ left: String, _ right: String, _ expected: Int) {
        #expect(Suggestion.distance(Array(left.unicodeScalars), Array(right.unicodeScalars)) == expected)
        #expect(Suggestion.distance(Array(right.unicodeScalars), Array(left.unicodeScalars)) == expected)
    }
}
