import Evaluation
import Foundation
import HaggleCore
import Testing

/// What `Fixtures/estimates.py` computed with numpy, row by row, from the same files.
private struct Golden: Decodable {
    struct Number: Decodable {
        var value: Double
        /// Nil where there is none.
        var standardError: Double?

        private enum CodingKeys: String, CodingKey {
            case value
            case standardError = "standard_error"
        }
    }

    var rows: [String: Number]
    var units: [String: Number]
    var differenceRows: [String: Number]
    var differenceUnits: [String: Number]
    var diagnostics: [String: Double]

    private enum CodingKeys: String, CodingKey {
        case rows, units
        case differenceRows = "difference_rows"
        case differenceUnits = "difference_units"
        case diagnostics
    }
}

struct GoldenEstimatesTests {
    /// Values and errors equal numpy's, with independent rows and with five rows per unit. 1e-12: both sum 300 doubles.
    @Test(arguments: [0, 5])
    func valuesAndErrorsAreThoseOfAnotherImplementation(rowsPerUnit: Int) async throws {
        let golden = try Fixture.json("estimates.json", as: Golden.self)
        let log = try SyntheticLog()
        // The draws of Replay are our own, and tuned estimators have their own test.
        let estimators = everyEstimator.filter { $0.name != "Replay" && !($0 is TunedEstimator) }
        var evaluator = try await log.evaluator(of: log.rows(rowsPerUnit: rowsPerUnit), options: log.options(estimators))
        let report = try await evaluator.report()
        #expect(report.clusteredBy == (rowsPerUnit > 0 ? "unit" : nil))
        let expected = rowsPerUnit > 0 ? golden.units : golden.rows
        #expect(report.policies[1].estimates.count == expected.keys.count { !$0.hasSuffix("bounded") })
        for estimate in report.policies[1].estimates {
            try expect(estimate, expected[goldenName(estimate.estimator, estimate.parameters)])
        }
        let differences = rowsPerUnit > 0 ? golden.differenceUnits : golden.differenceRows
        for (estimator, number) in differences {
            let difference = try #require(report.differences.first { $0.estimator == estimator })
            #expect(difference.policy == "target" && difference.baseline == "uniform")
            // The value is a difference of two near numbers of size 0.7, so 1e-11 relative is 1e-13 of those.
            #expect(agree(try #require(difference.value), number.value, within: 1e-11), "\(estimator)")
            #expect(agree(try #require(difference.standardError), try #require(number.standardError), within: 1e-11), "\(estimator)")
        }
    }

    /// A declared bound on weights changes the two estimators that reason about unseen weights.
    @Test(arguments: [0, 5])
    func aDeclaredBoundOnWeightsIsUsed(rowsPerUnit: Int) async throws {
        let golden = try Fixture.json("estimates.json", as: Golden.self)
        let log = try SyntheticLog()
        var evaluator = try await log.evaluator(
            of: log.rows(rowsPerUnit: rowsPerUnit), options: log.options([MaximumLikelihood(), CressieRead()], weightBound: 20))
        let expected = rowsPerUnit > 0 ? golden.units : golden.rows
        for estimate in try await evaluator.report().policies[1].estimates {
            try expect(estimate, expected["\(estimate.estimator) bounded"])
        }
    }

    private func expect(_ estimate: Estimate, _ golden: Golden.Number?) throws {
        let number = try #require(golden, "\(estimate.estimator)")
        #expect(agree(try #require(estimate.value), number.value, within: 1e-12), "\(estimate.estimator)")
        guard let error = number.standardError else {
            #expect(estimate.standardError == nil && estimate.intervals.isEmpty, "\(estimate.estimator)")
            return
        }
        #expect(agree(try #require(estimate.standardError), error, within: 1e-12), "\(estimate.estimator)")
    }

    /// Values, errors and tuned hyper-parameters are those of Open Bandit Pipeline.
    @Test func openBanditPipelineGetsTheSame() async throws {
        struct Theirs: Decodable {
            var value: Double
            /// Nil where theirs is wrong, or not given.
            var standard_error: Double?
            /// Nil for infinity.
            var lambda: Double?
        }
        let theirs = try Fixture.json("open_bandit.json", as: [String: Theirs].self)
        let log = try SyntheticLog()
        for (name, number) in theirs {
            var evaluator = try await log.evaluator(of: log.rows(), options: log.options([try EstimatorPanel.parse(name)]))
            let estimate = try await evaluator.report().policies[1].estimates[0]
            #expect(agree(try #require(estimate.value), number.value, within: 1e-12), "\(name)")
            if let error = number.standard_error { #expect(agree(try #require(estimate.standardError), error, within: 1e-12), "\(name)") }
            if name.contains("slope") || name.contains("mse") {
                #expect(estimate.parameters["lambda"] == number.lambda, "\(name)")
                #expect(estimate.remarks.contains { $0.hasPrefix("chosen on this data") })
            }
        }
    }

    @Test func diagnosticsAreThoseOfAnotherImplementation() async throws {
        let golden = try Fixture.json("estimates.json", as: Golden.self).diagnostics
        let log = try SyntheticLog()
        var evaluator = try await log.evaluator(of: log.rows())
        let diagnostics = try await evaluator.report().policies[1].diagnostics
        let encoded = try JSONSerialization.jsonObject(with: JSONEncoder().encode(diagnostics)) as? [String: Any]
        for (name, number) in golden {
            let ours = try #require(encoded?[name] as? Double, "\(name)")
            // The top 1 % comes from bins 2^-8 wide; the third-largest of three rows may share its bin with others.
            #expect(agree(ours, number, within: name.hasPrefix("top_1") ? 0.004 : 1e-11), "\(name)")
        }
    }
}
