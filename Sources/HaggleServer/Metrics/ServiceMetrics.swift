import HaggleCore

/// The metrics that the routes write; label values come from closed sets.
struct ServiceMetrics: Sendable {
    enum Route: String, CaseIterable {
        case assign, assignMany = "assign_many", activate, evaluate, convert, read, admin, dashboard
    }

    let registry: PrometheusRegistry

    /// Runs a handler, counting it and timing it by route; a failure is counted by its code.
    func time<Value>(_ route: Route, _ body: () async throws -> Value) async throws -> Value {
        let start = ContinuousClock.now
        do {
            let value = try await body()
            finished(route, since: start, error: nil)
            return value
        } catch {
            finished(route, since: start, error: error)
            throw error
        }
    }

    /// Counts and times a request that has ended.
    func finished(_ route: Route, since start: ContinuousClock.Instant, error: (any Error)?) {
        let elapsed = (ContinuousClock.now - start).components
        registry.histogram("haggle_request_seconds", [("route", route.rawValue)])
            .record(Double(elapsed.seconds) + Double(elapsed.attoseconds) / 1e18)
        guard let error else { return }
        registry.counter("haggle_request_failures_total", [("route", route.rawValue), ("code", error.serviceProblem.code)])
            .increment(by: 1)
    }

    func countAssignment(experiment: ExperimentKey, arm: ArmKey, reason: Reason) {
        registry.counter(
            "haggle_assignments_total",
            [("experiment", experiment.rawValue), ("arm", arm.rawValue), ("reason", reason.rawValue)]
        ).increment(by: 1)
    }

    func countConversions(accepted: Int, duplicates: Int, rejected: Int) {
        for (outcome, count) in [("accepted", accepted), ("duplicate", duplicates), ("rejected", rejected)] where count > 0 {
            registry.counter("haggle_conversions_total", [("outcome", outcome)]).increment(by: Int64(count))
        }
    }
}
