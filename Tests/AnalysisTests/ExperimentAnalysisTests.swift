import Analysis
import Catalog
import Foundation
import HaggleCore
import Logging
import Postgres
import Reporting
import TestSupport
import Testing

@Suite struct ExperimentAnalysisTests {
    @Test(arguments: Experiment.Kind.allCases) func anExperimentWithoutRowsIsAPageNotAnError(_ kind: Experiment.Kind) async throws {
        try await withDatabase { target in
            let pool = ConnectionPool(target: target, size: 2, logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
            let experiment = Experiment(
                key: "empty", kind: kind,
                arms: [
                    Arm(key: "none", discount: 0, isControl: true, weight: kind == .ab ? 0.5 : nil),
                    Arm(key: "ten", discount: 0.1, weight: kind == .ab ? 0.5 : nil),
                ], reward: RewardConfiguration(metric: .revenue, windowSeconds: 60),
                policy: kind == .ab ? nil : PolicyConfiguration(algorithm: .uniform))
            _ = try await pool.withTransaction { try await Catalog.store(experiment, sourceText: "x", by: "test", on: $0) }
            let analysis = try await ExperimentAnalysis.summary(of: "empty", pool: pool, asOf: Timestamp(seconds: 1_800_000_000))
            #expect(analysis.summary.impressions == 0)
            #expect(analysis.html().contains("<html"))
            #expect(try JSONSerialization.jsonObject(with: Data(analysis.json())) is [String: Any])
            #expect(!analysis.text().isEmpty)
            await pool.close()
        }
    }

    @Test func anUnknownExperimentIsNamed() async throws {
        try await withDatabase { target in
            let pool = ConnectionPool(target: target, size: 1, logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
            await #expect(throws: CatalogError.unknownExperiment("nothing")) {
                _ = try await ExperimentAnalysis.summary(of: "nothing", pool: pool, asOf: Timestamp(seconds: 0))
            }
            await pool.close()
        }
    }
}
