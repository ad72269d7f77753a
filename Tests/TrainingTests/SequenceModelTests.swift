import HaggleCore
import Reporting
import Testing

@testable import Training

@Suite struct SequenceModelTests {
    private typealias Model = PolicyConfiguration.Model

    private static func report(_ truth: OrderedWorld.Truth) async throws -> ModelSearchReport {
        let grid = ModelGrid(
            base: Model(hidden: [16], learningRate: 0.01, batch: 64, epochs: 30, patience: 8),
            axes: [GridAxis(name: "kind", values: [.kind(.mlp), .kind(.cnn), .kind(.gru)])])
        return try await ModelSearch(
            schema: OrderedWorld.schema, arms: OrderedWorld.arms, configuration: .init(folds: 2, split: .unit, seed: 3)
        ).run(grid, on: OrderedWorld.log(truth, count: 1600), title: "ordered")
    }

    private static func loss(_ kind: String, in report: ModelSearchReport) throws -> Double {
        try #require(report.configurations.first { $0.name == "kind: \(kind)" }?.loss)
    }

    /// Half of the rows (arm `ten`) have a reward of +-1 that only the order of the orders tells; the variance is 1/2 + 0.09, so a model without the
    /// order scores about 1 and the best possible one 0.09 / 0.59 = 0.15. Halfway is 0.58.
    @Test func aModelOfTheSequenceWinsWhereTheTruthDependsOnOrder() async throws {
        let report = try await Self.report(.order)
        let plain = try Self.loss("mlp", in: report)
        #expect((0.85...1.15).contains(plain))
        for kind in ["cnn", "gru"] { #expect(try Self.loss(kind, in: report) < 0.58, "\(kind)") }
        #expect(report.configurations.last?.name == "kind: mlp")
    }

    /// Where the total says it all the plain model comes near the floor of 0.15 by itself, and what a sequence model adds is less than half of
    /// what separates the two above.
    @Test func aPlainModelDoesWhereTheTruthDoesNot() async throws {
        let report = try await Self.report(.total)
        let plain = try Self.loss("mlp", in: report)
        #expect(plain < 0.45)
        for kind in ["cnn", "gru"] { #expect(try plain - Self.loss(kind, in: report) < 0.2, "\(kind)") }
    }
}
