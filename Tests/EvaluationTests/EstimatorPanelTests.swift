import Evaluation
import Testing

struct EstimatorPanelTests {
    /// Every name can be read in any case, and every estimator can be spelled such that it is read back.
    @Test func namesAndSpellingsAreReadBack() throws {
        for name in EstimatorPanel.names {
            #expect(try EstimatorPanel.parse(name.lowercased()).name == name)
            #expect(try EstimatorPanel.parse(" \(name.uppercased()) ").name == name)
        }
        for estimator in everyEstimator {
            let read = try EstimatorPanel.parse(estimator.spelling)
            #expect(read.spelling == estimator.spelling && read.terms == estimator.terms, "\(estimator.spelling)")
        }
        #expect(Set(everyEstimator.map(\.name)) == Set(EstimatorPanel.names))
        #expect(Set(EstimatorPanel.names).count == EstimatorPanel.names.count)
    }

    @Test(arguments: [
        ("CIPS(5)", ["lambda": 5.0]), ("switchdr( 10 )", ["lambda": 10]), ("SG-DR(0.1)", ["lambda": 0.1]), ("SG-IPS(0)", ["lambda": 0]),
        ("Replay(20)", ["bound": 20]), ("KernelIPS(0.05)", ["bandwidth": 0.05]), ("DRos(1e3)", ["lambda": 1000]), ("CDR", ["lambda": 10]),
    ])
    func parametersAreRead(text: String, parameters: [String: Double]) throws {
        #expect(try EstimatorPanel.parse(text).parameters == parameters)
    }

    @Test func otherSpellingsOfTheAdaptiveOnesAreRead() throws {
        #expect(try EstimatorPanel.parse("AIPW-StableVar").name == "StableVar")
        #expect(try EstimatorPanel.parse("aipw-minvar").name == "MinVar")
    }

    @Test(arguments: [
        "CIPS(0)", "CIPS(-1)", "CIPS(nan)", "CIPS(inf)", "CIPS()", "CIPS(ten)", "SNIPS(3)", "DM(slope)", "CIPS(slope)", "SG-IPS(1)",
        "DR(3)", "Replay(0.5)", "KernelIPS(0)", "DR(slope", "MLE(mse)",
    ])
    func badParametersSayWhatWasExpected(text: String) throws {
        let error = try #require(throws: EvaluationError.self) { try EstimatorPanel.parse(text) }
        guard case .badEstimatorParameter(text, let expected) = error else {
            Issue.record("\(error)")
            return
        }
        #expect(expected.contains("expected") || expected.contains("takes no parameter"))
    }

    @Test func misspeltNamesGetASuggestion() throws {
        for (text, meant) in [
            ("SNIP", "SNIPS"), ("SwichDR(5)", "SwitchDR"), ("DRoss", "DRos"), ("minvr", "MinVar"), ("Kernel-IPS", "KernelIPS"),
        ] {
            let error = try #require(throws: EvaluationError.self) { try EstimatorPanel.parse(text) }
            #expect(error == .unknownEstimator(text, known: EstimatorPanel.names, suggestion: meant))
            #expect("\(error)".hasSuffix("did you mean \(meant)?"))
        }
        let error = try #require(throws: EvaluationError.self) { try EstimatorPanel.parse("regression") }
        #expect(error == .unknownEstimator("regression", known: EstimatorPanel.names, suggestion: nil))
    }

    @Test func theDefaultIsShortAndFitsTheData() {
        #expect(EstimatorPanel.standard(withRewardModel: false).map(\.spelling) == ["IPS", "CIPS(10.0)", "SNIPS"])
        #expect(
            EstimatorPanel.standard(withRewardModel: true).map(\.spelling)
                == ["IPS", "CIPS(10.0)", "SNIPS", "DM", "DR", "SNDR", "DRos(slope)"])
        #expect(EstimatorPanel.standard(withRewardModel: false).allSatisfy { !$0.needsRewardModel })
    }
}
