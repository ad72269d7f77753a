import Evaluation
import Foundation
import HaggleCore
import Testing

@testable import Reporting

@Suite struct ModelSearchReportTests {
    private static func configuration(_ number: Int, loss: Double?, behind: Double? = nil) -> TrainedConfiguration {
        TrainedConfiguration(
            number: number, settings: [.init(key: "hidden", value: "[\(number), 8]"), .init(key: "loss", value: "two-part")], loss: loss,
            lossError: loss.map { _ in 0.012 }, foldLosses: [loss, loss], behind: behind, behindError: behind.map { _ in 0.01 },
            seconds: 3.2,
            bestEpochs: loss == nil ? [] : [4, 9], remarks: loss == nil ? ["fold 1: diverged in pass 1"] : [],
            calibration: loss == nil
                ? [] : [CalibrationBin(rowCount: 50, meanPrediction: 0.1, meanReward: 0.12, lower: 0.05, upper: 0.19)],
            slope: loss.map { _ in 0.9 }, slopeError: loss.map { _ in 0.1 },
            value: loss.map { _ in
                GreedyValue(
                    verdict: .supported, reasons: [], effectiveSampleSize: 300,
                    estimates: [
                        Estimate(
                            estimator: "DR", parameters: [:], value: 1.25, standardError: 0.1,
                            intervals: [Interval(method: .normal, level: 0.95, lower: 1.05, upper: 1.45, assumptions: "")])
                    ])
            },
            passes: loss == nil
                ? []
                : (1...3).map {
                    .init(epoch: $0, trainingLoss: 1 / Double($0), judgingLoss: 1.1 / Double($0), judgingError: 0.05, folds: 2)
                })
    }

    private static let report = ModelSearchReport(
        title: "checkout <discount>", rowCount: 1234, armCount: 3, folds: 2, split: "unit", seed: 1, data: "0123456789abcdef",
        rewardVariance: 2, warnings: ["feature a&b has one value in all rows"],
        configurations: [configuration(2, loss: 0.81), configuration(1, loss: 0.82, behind: 0.01), configuration(3, loss: nil)])

    @Test func theAnswerNamesTheBestAndWhatCannotBeToldFromIt() {
        let lines = Self.report.text(quantity: .money(currency: "EUR"))
        let text = lines.replacingOccurrences(of: "\n", with: " ")
        #expect(text.contains("The least validation loss is 0.8100 ± 0.0120, of hidden: [2, 8], loss: two-part."))
        #expect(text.contains("1 of 1 others cannot be told from it"))
        #expect(
            text.contains("would have earned €1.25 an impression (DR, 95% interval €1.05 to €1.45)"))
        #expect(text.contains("diverged in pass 1"))
        #expect(lines.split(separator: "\n").allSatisfy { $0.count <= 100 })
    }

    @Test func aGridThatPredictsNothingSaysSo() {
        var report = Self.report
        report.configurations = [Self.configuration(1, loss: 1.01)]
        #expect(report.text().contains("no model of this grid predicts"))
        report.configurations = [Self.configuration(1, loss: nil)]
        #expect(report.text().contains("No configuration could be trained on every fold"))
    }

    @Test func thePageNeedsNothingElseAndIsWellFormed() throws {
        let page = Self.report.html(generatedAt: Timestamp(seconds: 1_700_000_000))
        #expect(!page.contains("<script") && !page.contains("<link") && !page.contains("url(") && !page.contains("https:"))
        #expect(page.contains("prefers-color-scheme:dark") && page.contains("2023-11-14 22:13:20 UTC"))
        let start = try #require(page.range(of: "<body>")).lowerBound
        let end = try #require(page.range(of: "</body>")).upperBound
        let body = try #require(MarkupReader(String(page[start..<end])), "the body is not well-formed")
        // Two configurations have curves and calibration.
        #expect(body.all("svg").count == 4)
        #expect(body.all("h1").first?.text == "Training on checkout <discount>")
        let ids = body.elements.compactMap { $0.attributes["id"] }
        #expect(Set(ids).count == ids.count)
    }

    @Test func theJSONIsReadBackAsItWas() throws {
        let json = try Self.report.json()
        #expect(try JSONDecoder().decode(ModelSearchReport.self, from: Data(json.utf8)) == Self.report)
        #expect(json.contains("\"loss_standard_error\" : 0.012"))
    }
}
