import Experiments
import Foundation
import HaggleCore

/// What stands behind one `--policy`.
enum PolicyTarget {
    /// The policy that made the log.
    case logged
    case uniform
    case arm(ArmKey)
    case snapshot(SnapshotVersion)
    /// A policy file: trained first if it learns.
    case file(ParsedPolicy)
    /// A CSV file with a row of probabilities for each row of the log.
    case probabilities(path: String)
    /// A policy file whose whole algorithm learns along the log, from the rows that rejection accepts.
    case replay(ParsedPolicy)

    static let expectation = "a policy file, replay:FILE, snapshot:N, arm:KEY, uniform, logged, or a CSV file of probabilities"

    /// - Throws: `WorkbenchError` for a text that names nothing, or a file with problems.
    init(parsing text: String) throws {
        if text == "logged" {
            self = .logged
        } else if text == "uniform" {
            self = .uniform
        } else if text.hasPrefix("arm:") {
            self = .arm(ArmKey(String(text.dropFirst(4))))
        } else if text.hasPrefix("snapshot:") {
            guard let number = Int(text.dropFirst(9)), number >= 1 else { throw WorkbenchError.unknownTarget(text) }
            self = .snapshot(SnapshotVersion(number))
        } else if text.hasPrefix("replay:") {
            self = .replay(try Self.policy(of: String(text.dropFirst(7))))
        } else if [".csv", ".csv.gz"].contains(where: { text.hasSuffix($0) }) {
            guard FileManager.default.isReadableFile(atPath: text) else { throw WorkbenchError.unknownTarget(text) }
            self = .probabilities(path: text)
        } else {
            self = .file(try Self.policy(of: text))
        }
    }

    /// Whether it has to be trained on rows that it is not judged by.
    var learns: Bool {
        guard case .file(let parsed) = self, let policy = parsed.policy else { return false }
        return policy.algorithm != .uniform && policy.algorithm != .fixed
    }

    /// The features that its file declares; nil for a target without a file or a file without them.
    var context: FeatureSchema? {
        switch self {
        case .file(let parsed), .replay(let parsed): parsed.context
        default: nil
        }
    }

    private static func policy(of path: String) throws -> ParsedPolicy {
        guard let bytes = FileManager.default.contents(atPath: path) else { throw WorkbenchError.unknownTarget(path) }
        let parsed = PolicyFile.parse(bytes: Array(bytes), file: path)
        guard parsed.problems.isEmpty, parsed.policy != nil else {
            throw WorkbenchError.invalidFiles(parsed.problems.map(\.description))
        }
        return parsed
    }
}
