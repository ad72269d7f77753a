import Evaluation
import Foundation
import Testing

@testable import Reporting

@Suite struct EvaluationWidthTests {
    static func extreme(value: Double, spread: Double, name: String) -> EvaluationReport {
        let estimators = ["IPS", "CIPS", "SNIPS", "DM", "DR", "CressieRead", "SwitchDR", "SG-IPS"]
        let policies = (0..<5).map { index in
            SampleEvaluations.policy(
                name + String(index), Verdict.allCases[index % 3],
                estimators.map {
                    SampleEvaluations.estimate(
                        $0, value, spread, parameters: ["lambda": 1234.5678, "level": 0.333_333],
                        methods: Interval.Method.allCases, remarks: ["chosen on this data", "point value only"])
                }, reasons: [name, String(repeating: "why ", count: 90)])
        }
        var report = SampleEvaluations.report(policies, propensities: .estimated)
        for later in policies.indices {
            for earlier in 0..<later {
                report.differences.append(
                    SampleEvaluations.difference(
                        policies[later].policy, policies[earlier].policy, "DR", value, spread, better: 0.5, rows: 123_456_789))
            }
        }
        report.segments = (0..<3).map {
            SegmentEvaluation(
                by: name, value: name + "\($0)", rowCount: 1_000_000, policies: policies, differences: report.differences)
        }
        report.warnings = [name, String(repeating: "a warning ", count: 40)]
        report.excluded = [name: 3, "HOLDOUT": 4]
        report.clusteredBy = name
        report.rewardModel = name
        report.provenance = Provenance(
            program: name, command: ["haggle", "evaluate", name, "it's", ""], madeAt: name, data: [name], policies: [name: name],
            choices: [name: name])
        return report
    }

    @Test(
        arguments: [(8.0, 0.2), (1e13, 1e-9), (-123_456_789, 3), (1e-12, 1e-15), (0, 1e300)],
        ["policies/short.yaml", String(repeating: "very-long-policy-name/", count: 20), String(repeating: "値引き", count: 60), ""])
    func noLineIsWiderThanAHundredColumns(number: (value: Double, spread: Double), name: String) {
        let report = Self.extreme(value: number.value, spread: number.spread, name: name)
        for quantity in [Quantity.share, .money(currency: "PLN")] {
            let lines = report.text(quantity: quantity, metric: "margin", isTerminal: false).split(separator: "\n")
            #expect(lines.count > 100)
            let wide = lines.first { $0.displayWidth > 100 }
            #expect(wide == nil, "\(wide ?? "")")
        }
    }

    /// Shortened in the middle, and still different from each other.
    @Test func longNamesStayDistinct() {
        let full = (0..<30).map { "policies/experiments/2026/checkout/" + String(repeating: "x", count: 40 + $0 % 3) + "/candidate.yaml" }
        let distinct = Set(full.enumerated().map { "\($1)-\($0 % 3)" })
        let names = ShortNames(Array(distinct), width: 20)
        #expect(Set(distinct.map { names[$0] }).count == distinct.count)
        #expect(distinct.allSatisfy { names[$0].displayWidth <= 20 })
        #expect(ShortNames(["short"])["short"] == "short")
        #expect("policies/neural-deep.yaml".shortened(toWidth: 16) == "policies…ep.yaml")
        #expect(names.list(["a"]) == "a" && names.list(["a", "b"]) == "a and b" && names.list(["a", "b", "c"]) == "a, b and c")
        #expect(names.list(["a", "b", "c", "d", "e", "f"]) == "a, b, c and 3 others")
    }

    @Test func numbersAreNeverCut() {
        let table = TextTable(
            columns: [.text("name"), .number("a long title of a column"), .number("second")],
            rows: [[String(repeating: "n", count: 90), "123,456.789", "€1.00 to €2.00"]])
        #expect(table.text().contains("123,456.789  €1.00 to €2.00"))
        let narrow = table.text(maximumWidth: 26)
        #expect(narrow.contains("123,456.789") && narrow.contains("€1.00 to €2.00"))
    }

    /// What a shell makes of the printed command is the command that ran.
    @Test func theCommandCanBePastedIntoAShell() throws {
        let arguments = [
            "printf", "%s\\0", "plain", "two words", "it's", "", "$HOME `x` \\ \"q\"", "a\nb\u{1B}",
            String(repeating: "abc'd e", count: 60),
            "orders >= 1 && x != 'y'", "–ü日本",
        ]
        let lines = ShellCommand.lines(arguments, width: 98)
        #expect(lines.allSatisfy { $0.displayWidth <= 100 && $0.printable == $0 })
        let process = Process()
        process.executableURL = URL(filePath: "/bin/bash")
        process.arguments = ["-c", lines.joined(separator: "\n")]
        let pipe = Pipe()
        process.standardOutput = pipe
        try process.run()
        let output = pipe.fileHandleForReading.readDataToEndOfFile()
        process.waitUntilExit()
        #expect(
            String(decoding: output, as: UTF8.self).split(separator: "\0", omittingEmptySubsequences: false).map(String.init).dropLast()
                == arguments.dropFirst(2)[...])
    }
}
