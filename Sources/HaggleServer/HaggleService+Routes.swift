import EventLog
import HTTPTypes
import Hummingbird
package import Logging
package import Postgres

extension HaggleService {
    /// What the router answers, as `GET /v1/experiments/{key}`, sorted; the OpenAPI document must say the same.
    package static func routes(target: ConnectionTarget, logger: Logger) -> [String] {
        router(
            registry: ExperimentRegistry(), keys: KeyRing(host: "127.0.0.1"), pool: ConnectionPool(target: target, size: 1),
            sink: PostgresEventSink(target: target, logger: logger), metrics: ServiceMetrics(registry: PrometheusRegistry()), logger: logger
        ).routes.map { route in
            let path = String(describing: route.path).split(separator: "/").map { part in
                part.hasPrefix(":") ? "{\(part.dropFirst())}" : part.hasPrefix("${") ? "{\(part.dropFirst(2).dropLast())}" : String(part)
            }
            return "\(route.method.rawValue) /" + path.joined(separator: "/")
        }.sorted()
    }
}

extension HaggleService {
    /// Whether an earlier server with this directory of journals left what it served there, so that one can start without the database.
    package static func hasKeptState(journals: String) -> Bool { ServingFolder(journals: journals).isKept }
}
