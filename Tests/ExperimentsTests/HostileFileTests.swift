import HaggleCore
import Testing

@testable import Experiments

struct HostileFileTests {
    @Test(arguments: ["", "\n", "# only a comment\n", "\u{feff}"]) func emptyFileIsAProblem(_ text: String) {
        #expect(GoodFile.problems(text) == ["1:1: the file is empty"])
    }

    @Test(arguments: ["just text", "- a\n- b", "42", "null", "---\n..."]) func fileThatIsNoMappingIsAProblem(_ text: String) {
        #expect(GoodFile.problems(text).count == 1)
        #expect(GoodFile.problems(text)[0].contains("expected a mapping"))
    }

    @Test func windowsLineEndsAndByteOrderMarkAreOrdinary() throws {
        let crlf = "\u{feff}" + GoodFile.bandit.replacing("\n", with: "\r\n")
        #expect(try GoodFile.experiment(crlf) == GoodFile.experiment(GoodFile.bandit))
        #expect(GoodFile.problems(crlf.replacing("type: bandit", with: "type: bandti"))[0].hasPrefix("2:7: type"))
        #expect(
            GoodFile.problems(crlf.replacing("window: 7d", with: "window: 7d\r\n  window: 8d")) == [
                "10:3: duplicate key 'window', already given in line 9"
            ])
    }

    @Test func sizeIsLimited() {
        let fits = GoodFile.bandit + "#" + String(repeating: "x", count: YAMLDocument.byteLimit - GoodFile.bandit.utf8.count - 1)
        #expect(GoodFile.problems(fits).isEmpty)
        #expect(GoodFile.problems(fits + "x") == ["1:1: the file has 1048577 bytes; it may have at most 1048576 (1 MiB)"])
        let bytes = ExperimentFile.parse(bytes: [UInt8](repeating: 35, count: YAMLDocument.byteLimit + 1), file: "f.yaml")
        #expect(bytes.problems.map(\.description) == ["f.yaml:1:1: the file has 1048577 bytes; it may have at most 1048576 (1 MiB)"])
    }

    @Test func bytesThatAreNotUTF8HaveAPlace() {
        let bytes = Array("experiment: test\nowner: Zo".utf8) + [0xeb, 0x0a]
        #expect(
            ExperimentFile.parse(bytes: bytes, file: "f.yaml").problems.map(\.description) == ["f.yaml:2:10: the file is not UTF-8 text"])
        #expect(PolicyFile.parse(bytes: bytes, file: "f.yaml").problems.map(\.description) == ["f.yaml:2:10: the file is not UTF-8 text"])
        #expect(ExperimentFile.parse(bytes: Array(GoodFile.bandit.utf8), file: "f.yaml").problems.isEmpty)
    }

    /// libyaml stops at a thousand levels, ours at fewer; neither recursion may reach the end of the stack.
    @Test(arguments: [
        String(repeating: "[", count: 100_000), String(repeating: "{a: ", count: 100_000), String(repeating: "- ", count: 100_000),
        String(repeating: "? ", count: 100_000), String(repeating: "[a: ", count: 100_000),
        String(repeating: "[", count: 900) + String(repeating: "]", count: 900),
        "experiment: " + String(repeating: "[", count: 70) + String(repeating: "]", count: 70),
        (0..<900).map { String(repeating: " ", count: $0) + "a:" }.joined(separator: "\n"),
    ]) func deepNestingIsAProblem(_ text: String) {
        #expect(!GoodFile.problems(text).isEmpty)
    }

    @Test func deepPayloadAndConditionsAreBounded() {
        let deep = String(repeating: "[", count: 80) + String(repeating: "]", count: 80)
        let problems = GoodFile.problems(GoodFile.bandit.replacing("key: ten", with: "key: ten, payload: \(deep)"))
        #expect(problems.count == 1)
        #expect(problems[0].hasSuffix("nested more than 64 levels deep"))
        let not = String(repeating: "{$not: ", count: 80) + "{a: 1}" + String(repeating: "}", count: 80)
        #expect(GoodFile.problems(GoodFile.bandit(with: "targeting: \(not)")).count == 1)
    }

    /// Nine levels of ten aliases each would be 10^9 nodes if anything walked them.
    @Test(arguments: [10, 3]) func billionLaughsAreRefusedQuickly(_ width: Int) {
        var text = "a0: &a0 lol\n"
        for level in 1...9 {
            let references = [String](repeating: "*a\(level - 1)", count: width).joined(separator: ", ")
            text += "a\(level): &a\(level) [\(references)]\n"
        }
        let duration = ContinuousClock().measure {
            #expect(GoodFile.problems(text + "payload: *a9\n").contains { $0.contains("anchors and aliases") })
            #expect(GoodFile.problems(text + "? *a9\n: 1\n").contains { $0.contains("anchors and aliases") || $0.contains("aliases;") })
        }
        #expect(duration < .seconds(10))
    }

    /// Emphasis in a description is not an alias.
    @Test func starsInTextAreOrdinary() throws {
        let stars = (0..<40).map { "* item \($0) is *big*" }.joined(separator: "\n  ")
        let experiment = try GoodFile.experiment(GoodFile.bandit(with: "description: |\n  \(stars)"))
        #expect(experiment.description.hasPrefix("* item 0 is *big*"))
    }

    /// Each duplicate costs a pass over the text; their number is bounded, and what is beyond is still a problem and not a wrong value.
    @Test func manyDuplicateKeysAreBounded() {
        let text = GoodFile.bandit + (0..<200).map { "key\($0 % 100): 1\n" }.joined()
        #expect(GoodFile.problems(text).contains { $0.contains("the key 'key") && $0.contains("more than once") })
        let large = GoodFile.bandit + (0..<20_000).map { "key\($0 % 10_000): 1\n" }.joined() + "#" + String(repeating: "x", count: 500_000)
        let duration = ContinuousClock().measure { #expect(!GoodFile.problems(large).isEmpty) }
        #expect(duration < .seconds(20))
    }

    @Test func tripleKeyIsReportedTwice() {
        let problems = GoodFile.problems(GoodFile.bandit(with: "owner: a\n\"owner\": b\nowner: c"))
        #expect(problems == ["4:1: duplicate key 'owner', already given in line 3", "5:1: duplicate key 'owner', already given in line 3"])
    }

    @Test func numberOfProblemsIsBounded() {
        let text = GoodFile.bandit + (0..<5000).map { "zebra\($0): 1\n" }.joined()
        let problems = GoodFile.problems(text)
        #expect(problems.count == ProblemList.limit + 1)
        #expect(problems.last?.hasSuffix("the rest is not shown") == true)
    }

    @Test func controlCharacterHasAPlace() {
        #expect(
            GoodFile.problems(GoodFile.bandit(with: "owner: a\u{7}b")) == ["3:9: character U+7 is not allowed in a YAML file; remove it"])
    }

    @Test func longValueIsShortenedInTheMessage() {
        let problem = GoodFile.problems(GoodFile.bandit.replacing("type: bandit", with: "type: \(String(repeating: "x", count: 5000))"))[0]
        #expect(problem.count < 200)
    }

    @Test func tooManyArmsAndFeaturesAreRefused() {
        let arms = (0..<1000).map { "  - {key: arm-\($0), discount: 0}\n" }.joined()
        #expect(
            GoodFile.problems(GoodFile.bandit.replacing("  - {key: ten, discount: 0.1}\n", with: arms)) == [
                "4:3: arms: expected at most 1000 arms, found 1001"
            ])
        let features = (0...4096).map { "  f\($0): {type: boolean}\n" }.joined()
        #expect(
            GoodFile.problems(GoodFile.bandit(with: "context:\n\(features)")) == [
                "4:3: context: expected at most 4096 features, found 4097"
            ])
    }
}

/// Files as a tired person or a broken editor leaves them: the parser may refuse, never crash, and what it accepts must hold together.
struct MutationTests {
    /// Own generator, so that the sequence of mutations depends on nothing but the seed (SplitMix64).
    private struct Generator: RandomNumberGenerator {
        var state: UInt64

        mutating func next() -> UInt64 {
            state &+= 0x9e37_79b9_7f4a_7c15
            var z = state
            z = (z ^ (z >> 30)) &* 0xbf58_476d_1ce4_e5b9
            z = (z ^ (z >> 27)) &* 0x94d0_49bb_1331_11eb
            return z ^ (z >> 31)
        }
    }

    private static let snippets = [
        ":", "- ", "{", "}", "[", "]", ",", "\"", "'", "#", "&a ", "*a", "!!str ", "|", ">", "%", "@", "`", "\t", "\n", "\r", "\u{0}",
        "\u{85}", "\u{2028}", "🎁", "? ",
        "<<: ", "---\n", "...\n", "null", "true", "-1", "1e999", ".nan", "0x10", "7d", "arms", "key: ", "{$in: [1]}", "$not", "\\",
        "\"\\x41\"", "\u{e000}", "\u{feff}",
    ]

    private func mutated(_ text: String, using generator: inout Generator) -> String {
        var scalars = Array(text.unicodeScalars)
        for _ in 0..<Int.random(in: 1...4, using: &generator) {
            let place = Int.random(in: 0...max(0, scalars.count - 1), using: &generator)
            let end = min(scalars.count, place + Int.random(in: 0...12, using: &generator))
            switch Int.random(in: 0..<5, using: &generator) {
            case 0: scalars.removeSubrange(place..<end)
            case 1: scalars.insert(contentsOf: Array(Self.snippets.randomElement(using: &generator)!.unicodeScalars), at: place)
            case 2: scalars.insert(contentsOf: Array(scalars[place..<end]), at: Int.random(in: 0...scalars.count, using: &generator))
            case 3: scalars.replaceSubrange(place..<end, with: Array(Self.snippets.randomElement(using: &generator)!.unicodeScalars))
            default:
                // Lines swapped or doubled.
                var lines = scalars.split(separator: "\n", omittingEmptySubsequences: false).map { Array($0) }
                let from = Int.random(in: 0..<lines.count, using: &generator)
                let to = Int.random(in: 0..<lines.count, using: &generator)
                if Bool.random(using: &generator) { lines.swapAt(from, to) } else { lines.insert(lines[from], at: to) }
                scalars = Array(lines.joined(separator: ["\n"]))
            }
        }
        var view = String.UnicodeScalarView()
        view.append(contentsOf: scalars)
        return String(view)
    }

    @Test(arguments: Examples.names) func mutatedExampleIsReadOrRefusedButNeverBreaks(_ name: String) throws {
        let text = try Examples.text(name)
        let validator = SchemaValidator(root: JSONSchema.tree)
        var generator = Generator(state: UInt64(name.utf8.count))
        var accepted = 0
        for _ in 0..<300 {
            let mutation = mutated(text, using: &generator)
            let parsed = ExperimentFile.parse(text: mutation, file: "f.yaml")
            #expect((parsed.experiment == nil) == !parsed.problems.isEmpty)
            #expect(parsed.problems.allSatisfy { $0.line >= 1 && $0.column >= 1 && !$0.message.contains("\n") })
            _ = PolicyFile.parse(text: mutation, file: "f.yaml")
            guard let experiment = parsed.experiment else { continue }
            accepted += 1
            #expect(ExperimentFile.parse(text: ExperimentRenderer.render(experiment), file: "f.yaml").experiment == experiment)
            if let value = OrderedJSON(yaml: mutation) { #expect(try validator.accepts(value), "\(mutation)") }
            _ = try Placer(experiment).place(unit: "c", context: [:], now: Timestamp(seconds: 0), isPaused: false)
        }
        // Many mutations hit a comment or a harmless value; were none accepted, the checks above would check nothing.
        #expect(accepted > 10)
    }
}
