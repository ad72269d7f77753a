import Analysis
import Foundation
import HaggleCore
import Hummingbird
import Logging
import Reporting
import Serving

/// `/`, `/experiments/{key}` and `/v1/experiments/{key}/report`.
struct DashboardRoutes: Sendable {
    let registry: ExperimentRegistry
    let analyses: AnalysisCache
    let metrics: ServiceMetrics
    let logger: Logger

    /// An open page asks for itself again after so many seconds.
    private static let refreshSeconds = 15
    /// The dashboard shows so many experiments at most, the others by name.
    private static let cardLimit = 100

    func add(to router: Router<ServiceRequestContext>) {
        router.get("/") { _, _ in
            try await metrics.time(.dashboard) { Response(text: try await dashboard(), type: Self.html) }
        }
        router.get("/experiments/:key") { _, context in
            try await metrics.time(.dashboard) {
                let analysis = try await analysis(context)
                let page = ExperimentPage(
                    experiment: current(analysis.summary), generatedAt: analysis.generatedAt, refreshSeconds: Self.refreshSeconds,
                    analyses: analysis.sections)
                return Response(text: page.html(), type: Self.html)
            }
        }
        router.get("/v1/experiments/:key/report") { _, context in
            try await metrics.time(.dashboard) { Response(json: try await analysis(context).json()) }
        }
    }

    private static let html = "text/html; charset=utf-8"

    private func analysis(_ context: ServiceRequestContext) async throws -> ExperimentAnalysis {
        let parameter = try context.parameters.require("key")
        let key = ExperimentKey(parameter.removingPercentEncoding ?? parameter)
        guard registry[key] != nil else { throw ServiceProblem.unknownExperiment(key.rawValue) }
        return try await analyses.analysis(of: key)
    }

    /// An experiment that cannot be analysed does not take the page from the others.
    private func dashboard() async throws -> String {
        var summaries: [ExperimentSummary] = []
        var failed: [String] = []
        let entries = registry.all
        for entry in entries.prefix(Self.cardLimit) {
            do {
                summaries.append(current(try await analyses.analysis(of: entry.experiment.key).summary))
            } catch is CancellationError {
                throw CancellationError()
            } catch {
                failed.append(entry.experiment.key.rawValue)
                logger.warning("experiment not analysed", metadata: ["experiment": "\(entry.experiment.key)", "error": "\(error)"])
            }
        }
        var notices: [String] = []
        if !failed.isEmpty {
            notices.append("The log cannot be read at the moment; not shown: \(failed.joined(separator: ", ")).")
        }
        if entries.count > Self.cardLimit {
            notices.append("Showing \(Self.cardLimit) of \(entries.count) experiments; the others have their pages at /experiments/KEY.")
        }
        let model = DashboardModel(
            generatedAt: Timestamp.now, notice: notices.isEmpty ? nil : notices.joined(separator: " "), experiments: summaries)
        return DashboardPage(model: model, refreshSeconds: Self.refreshSeconds).html()
    }

    /// The analysis may be some seconds old; the kill switch is shown as it stands.
    private func current(_ summary: ExperimentSummary) -> ExperimentSummary {
        guard let entry = registry[summary.key] else { return summary }
        var summary = summary
        summary.isPaused = entry.assigner.isPaused
        return summary
    }
}
