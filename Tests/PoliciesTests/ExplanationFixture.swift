import Foundation

/// Golden numbers of `Fixtures/explanations.py`.
struct ExplanationFixture: Decodable {
    struct Shapley: Decodable {
        let row: [Double]
        let background: [[Double]]
        let contributions: [[Double]]
    }

    struct Knapsack: Decodable {
        let rewards: [[Double]]
        let costs: [[Double]]
        let budgets: [Double]
        let optima: [Double]
    }

    let small: Shapley
    let large: Shapley
    let knapsack: Knapsack

    static func load(file: String = #filePath) throws -> Self {
        let folder = URL(fileURLWithPath: file).deletingLastPathComponent()
        return try JSONDecoder().decode(Self.self, from: Data(contentsOf: folder.appendingPathComponent("Fixtures/explanations.json")))
    }
}
