import Foundation
import Testing

@testable import Experiments

@Suite struct ModelPatchTests {
    private static let settings = [
        ModelPatch.Setting(key: "hidden", value: "[64, 32]"), ModelPatch.Setting(key: "learning_rate", value: "0.001"),
    ]

    private static func patched(_ text: String, _ settings: [ModelPatch.Setting] = settings) -> String? {
        ModelPatch(settings, in: text, file: "shop.yaml")?.text
    }

    @Test func listsInABlockBecomeTheChosenValuesAndCommentsStay() throws {
        let text = """
            # The shop's experiment.
            key: checkout   # never change this
            policy:
              algorithm: neural-thompson
              model:
                kind: mlp  # plain
                hidden: [[32], [64, 32]]   # tried in March
                learning_rate: [0.001, 0.01]
                # more passes did not help
                epochs: 20
            reward: {metric: margin}

            """
        let patch = try #require(ModelPatch(Self.settings, in: text, file: "shop.yaml"))
        #expect(
            patch.text
                == text.replacingOccurrences(of: "[[32], [64, 32]]", with: "[64, 32]").replacingOccurrences(
                    of: "[0.001, 0.01]", with: "0.001"))
        #expect(
            patch.difference == """
                --- a/shop.yaml
                +++ b/shop.yaml
                @@ -4,8 +4,8 @@
                   algorithm: neural-thompson
                   model:
                     kind: mlp  # plain
                -    hidden: [[32], [64, 32]]   # tried in March
                -    learning_rate: [0.001, 0.01]
                +    hidden: [64, 32]   # tried in March
                +    learning_rate: 0.001
                     # more passes did not help
                     epochs: 20
                 reward: {metric: margin}

                """)
    }

    @Test func aFlowMappingIsPatchedInItsLine() {
        #expect(
            Self.patched("policy: {algorithm: neural-ucb, model: {kind: mlp, hidden: [[8], [64, 32]], learning_rate: [1, 0.001]}} # x\n")
                == "policy: {algorithm: neural-ucb, model: {kind: mlp, hidden: [64, 32], learning_rate: 0.001}} # x\n")
    }

    @Test func aBlockListLosesItsLines() {
        let text = """
            algorithm: neural-ucb
            model:
              learning_rate:
                - 0.1    # too fast
                - 0.001
              # widths
              hidden:
              - [8]
              - - 64
                - 32
              dropout: 0.1
            floor: 0.01

            """
        #expect(
            Self.patched(text) == """
                algorithm: neural-ucb
                model:
                  learning_rate: 0.001
                  # widths
                  hidden: [64, 32]
                  dropout: 0.1
                floor: 0.01

                """)
    }

    @Test func missingKeysAreAdded() {
        #expect(
            Self.patched("algorithm: greedy\nmodel:\n  # note\n  kind: mlp\n")
                == "algorithm: greedy\nmodel:\n  # note\n  learning_rate: 0.001\n  hidden: [64, 32]\n  kind: mlp\n")
        #expect(Self.patched("model: {kind: mlp}\n") == "model: {kind: mlp, hidden: [64, 32], learning_rate: 0.001}\n")
        #expect(
            Self.patched("policy:\n  algorithm: greedy\n")
                == "policy:\n  model: {hidden: [64, 32], learning_rate: 0.001}\n  algorithm: greedy\n")
    }

    @Test func valuesThatAreChosenAlreadyChangeNothing() throws {
        let text = "model:\n  hidden: [64, 32]\n  learning_rate: 0.001\n"
        let patch = try #require(ModelPatch(Self.settings, in: text, file: "a.yaml"))
        #expect(patch.text == text && patch.difference.isEmpty)
    }

    /// The value ends at a comma inside of braces, but a comma belongs to a plain value outside of them: then there is no patch.
    @Test(arguments: [
        "model: 5\n", "not: [yaml\n", "model:\n  learning_rate: |\n    0.1\n", "model:\n  learning_rate: 0.1,5\n", "policy: greedy\n",
        "model:\n  learning_rate:\n",
    ])
    func whatCannotBeFollowedIsLeftToAPerson(text: String) {
        #expect(Self.patched(text, [.init(key: "learning_rate", value: "0.001")]) == nil)
    }

    @Test func theSnippetIsAPolicyFileOfItsOwn() {
        #expect(ModelPatch.snippet(Self.settings) == "policy:\n  model:\n    hidden: [64, 32]\n    learning_rate: 0.001\n")
    }

    @Test func windowsLineBreaksAndAByteOrderMarkSurvive() {
        #expect(
            Self.patched("\u{feff}model:\r\n  learning_rate: [1, 2] # a\r\n  hidden: 'x'\r\n", [.init(key: "learning_rate", value: "2")])
                == "\u{feff}model:\r\n  learning_rate: 2 # a\r\n  hidden: 'x'\r\n")
    }

    @Test func hunksFarApartAreApart() {
        let old = (1...30).map { "line \($0)\n" }.joined()
        let new = old.replacingOccurrences(of: "line 3\n", with: "three\n").replacingOccurrences(of: "line 25\n", with: "")
        #expect(
            UnifiedDifference.text(from: old, to: new, file: "f") == """
                --- a/f
                +++ b/f
                @@ -1,6 +1,6 @@
                 line 1
                 line 2
                -line 3
                +three
                 line 4
                 line 5
                 line 6
                @@ -22,7 +22,6 @@
                 line 22
                 line 23
                 line 24
                -line 25
                 line 26
                 line 27
                 line 28

                """)
        #expect(UnifiedDifference.text(from: "a", to: "a\n", file: "f").contains("\\ No newline at end of file"))
    }
}
