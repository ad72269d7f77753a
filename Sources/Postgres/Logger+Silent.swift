package import Logging

extension Logger {
    /// Says nothing: for callers that have no logger to pass.
    package static var silent: Logger { Logger(label: "haggle.postgres", factory: { _ in SwiftLogNoOpLogHandler() }) }
}
