package import HaggleCore

/// What an offline command refuses, in words for the person who typed it.
package enum WorkbenchError: Error, Hashable, Sendable {
    case serviceUnreachable(server: String, reason: String)
    case serviceRefused(status: Int, code: String, detail: String)
    case unknownArm(ArmKey, experiment: ExperimentKey, expected: [ArmKey])
    case noFiles(path: String)
    case unreadableFile(path: String, reason: String)
    case unwritableFile(path: String, reason: String)
    case unknownTarget(String)
    case notABandit(ExperimentKey)
    case emptyLog(what: String)
    case invalidOption(name: String, expected: String, found: String)
    case fileExists(path: String)
    /// Files that must have the same rows or columns do not.
    case filesDisagree(String)
    /// Files with problems, each as `file:line:column: message`.
    case invalidFiles([String])
    /// Changes that need `--yes`.
    case needsConfirmation([String])
}

extension WorkbenchError: CustomStringConvertible {
    package var description: String {
        switch self {
        case .serviceUnreachable(let server, let reason):
            "no service answers at \(server) (\(reason)); start one with `haggle serve` or name another with --server"
        case .serviceRefused(let status, let code, let detail): "the service answered \(status) (\(code)): \(detail)"
        case .unknownArm(let arm, let experiment, let expected):
            "experiment '\(experiment)' gave the arm '\(arm)', which the simulated shop does not have; "
                + "it knows \(expected.map(\.rawValue).joined(separator: ", "))"
        case .noFiles(let path): "\(path): no .yaml or .yml file found"
        case .unreadableFile(let path, let reason): "\(path): cannot be read: \(reason)"
        case .unwritableFile(let path, let reason): "\(path): cannot be written: \(reason)"
        case .unknownTarget(let name):
            "--policy \(name): expected a policy file, snapshot:N, arm:KEY, uniform or logged"
        case .notABandit(let key): "experiment '\(key)' is an A/B experiment; this command needs a bandit"
        case .emptyLog(let what): "\(what): no rows that count; check --since, --until and the experiment's key"
        case .invalidOption(let name, let expected, let found): "\(name): expected \(expected), found \(found)"
        case .filesDisagree(let message): message
        case .invalidFiles(let problems): problems.joined(separator: "\n")
        case .needsConfirmation(let lines):
            lines.joined(separator: "\n")
                + "\nthese changes re-randomise units or break the learned state; repeat with --yes to carry them out"
        case .fileExists(let path): "\(path) exists already; name another file or remove it"
        }
    }
}
