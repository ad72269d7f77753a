import Catalog
import EventLog
package import HaggleCore
import Policies
package import Postgres
package import Reporting

/// What the serving snapshot has learned, as a section of the report: importance of the features and partial dependence.
package enum ExplanationSection {
    /// Nil where there is nothing learned of any context yet: no snapshot, no feature, or no impression.
    /// - Parameter contextCount: impressions of the sample.
    @concurrent
    package static func read(
        of key: ExperimentKey, pool: ConnectionPool, asOf now: Timestamp, contextCount: Int = 200
    ) async throws -> ReportSection? {
        guard let stored = try await pool.withConnection({ try await Catalog.newestSnapshot(of: key, on: $0) }) else { return nil }
        let snapshot = try ServingSnapshot(serialised: stored.bytes)
        guard snapshot.representation.basis != .intercept, !snapshot.representation.schema.features.isEmpty else { return nil }
        let contexts = try await EventLogReader(pool: pool).contexts(of: key, until: now, count: contextCount)
        if contexts.isEmpty { return nil }
        return section(try GlobalExplanation(of: snapshot, contexts: contexts))
    }

    private static func section(_ explanation: GlobalExplanation) -> ReportSection {
        var importance = TextTable(
            columns: [.text("feature"), .number("lost if shuffled")] + explanation.arms.map { .number($0.rawValue) })
        importance.caption =
            "Importance: reward lost per choice if the feature were shuffled, and mean size of its part in each arm's score"
        for feature in explanation.importance {
            importance.append(
                [feature.feature, NumberFormat.significant(feature.permutation)] + feature.shapley.map { NumberFormat.significant($0) })
        }
        let dependence = explanation.partialDependence.map { feature in
            var table = TextTable(columns: [.text(feature.feature)] + explanation.arms.map { .number($0.rawValue) })
            table.caption = "Mean expected reward by `\(feature.feature)`"
            for point in feature.points {
                table.append([text(point.value)] + point.expectedRewards.map { NumberFormat.significant($0) })
            }
            return table
        }
        return ReportSection(
            title: "What the model has learned",
            paragraphs: [
                "Snapshot \(explanation.snapshot), over \(explanation.contextCount) recent impressions. "
                    + "These numbers describe the model, not the world: they are no estimate of what a discount causes."
            ], tables: [importance], appendix: dependence,
            notes: ["Parts of scores are Shapley values; a partial dependence sets one feature and leaves the others as they were seen."])
    }

    private static func text(_ value: ContextValue) -> String {
        switch value {
        case .number(let number): NumberFormat.significant(number)
        case .boolean(let flag): "\(flag)"
        case .text(let text): text
        case .events(let events): "\(events.count) events"
        }
    }
}

extension ExperimentAnalysis {
    /// The same analysis with further sections behind its own.
    package func adding(_ more: [ReportSection]) -> ExperimentAnalysis {
        ExperimentAnalysis(
            summary: summary, sections: sections + more, generatedAt: generatedAt, armEvaluations: armEvaluations, comparison: comparison,
            lift: lift, waitingUnits: waitingUnits)
    }
}
