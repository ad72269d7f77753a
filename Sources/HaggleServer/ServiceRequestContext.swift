import Hummingbird
import Logging

/// What travels with a request: Hummingbird's core context and nothing more.
struct ServiceRequestContext: RequestContext {
    var coreContext: CoreRequestContextStorage

    init(source: ApplicationRequestContextSource) { coreContext = .init(source: source) }
}
