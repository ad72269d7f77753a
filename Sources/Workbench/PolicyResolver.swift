import Evaluation
import EventLog
import Experiments
import HaggleCore
import Policies

/// Turns what `--policy` names into policies that can be asked.
struct PolicyResolver {
    let log: OpenedLog
    /// The rows that policy files are trained on; nil where nothing was set apart for that.
    let training: [Interaction]?

    private var arms: [Arm] { log.source.arms }

    /// Nil for a replay, which is not a policy but an algorithm.
    /// - Throws: `WorkbenchError` for an arm, snapshot or file that does not fit the log.
    func policy(_ target: PolicyTarget, name: String) async throws -> EvaluatedPolicy? {
        switch target {
        case .logged: return .logged
        case .uniform: return EvaluatedPolicy(name, UniformPolicy(armCount: arms.count))
        case .arm(let key):
            guard let arm = arms.firstIndex(where: { $0.key == key }) else {
                throw WorkbenchError.invalidOption(name: "--policy", expected: "an arm of the log (\(armList))", found: name)
            }
            return EvaluatedPolicy(name, FixedPolicy(arm: arm, armCount: arms.count, controlIndex: log.controlIndex))
        case .snapshot(let version): return EvaluatedPolicy(name, try await snapshotPolicy(version, name: name))
        case .file(let parsed):
            guard let policy = parsed.policy else { throw WorkbenchError.invalidFiles(parsed.problems.map(\.description)) }
            // A policy that was trained on the rows that judge it would look better than it is.
            if target.learns, training?.isEmpty ?? true {
                throw WorkbenchError.invalidOption(
                    name: "--train-share", expected: "a share such as 0.5, because \(parsed.file) has to be trained on older rows first",
                    found: "none")
            }
            if let context = parsed.context, !context.features.isEmpty, !context.features.contains(where: isLogged) {
                throw WorkbenchError.filesDisagree(
                    "\(parsed.file): none of its features is in the log (\(log.schema.features.map(\.name).joined(separator: ", "))); "
                        + "name the log's columns with --context, or correct the file's context")
            }
            return EvaluatedPolicy(
                name, try trainedPolicy(configuration: policy, schema: parsed.context ?? log.schema, arms: arms, on: training ?? []))
        case .probabilities(let path):
            return EvaluatedPolicy(name: name, target: .table(try ProbabilityTable(path: path, arms: arms.map(\.key.rawValue))))
        case .replay: return nil
        }
    }

    /// The snapshots that made the log, for estimators that ask them; at most 64, the ones with the most rows.
    func snapshots(for options: EvaluationOptions) async throws -> [SnapshotVersion: any Policy] {
        guard let load = log.snapshot, options.needsSnapshots else { return [:] }
        var counts: [SnapshotVersion: Int] = [:]
        try await log.source.forEach { row in
            if let version = row.snapshot { counts[version, default: 0] += 1 }
        }
        var policies: [SnapshotVersion: any Policy] = [:]
        for (version, _) in counts.sorted(by: { ($1.value, $0.key.rawValue) < ($0.value, $1.key.rawValue) }).prefix(64) {
            let snapshot = try await load(version)
            if snapshot.arms == arms.map(\.key) { policies[version] = SnapshotPolicy(snapshot) }
        }
        return policies
    }

    /// What a target is, for the record.
    /// - Throws: where a file that was read a moment ago cannot be read any more.
    func description(of target: PolicyTarget, trainShare: Double?) throws -> String {
        switch target {
        case .logged: "the policy that made the log"
        case .uniform: "every eligible arm with the same probability"
        case .arm(let key): "always \(key), control where it is not eligible"
        case .snapshot(let version): "serving snapshot \(version.rawValue)"
        case .file(let parsed):
            "file \(parsed.file), digest \(try FileDigest(path: parsed.file).text)"
                + (target.learns ? trainShare.map { ", trained on the oldest \($0) of the log" } ?? "" : "")
        case .probabilities(let path): "file \(path), digest \(try FileDigest(path: path).text)"
        case .replay(let parsed):
            "file \(parsed.file), digest \(try FileDigest(path: parsed.file).text), learning along the log by rejection replay"
        }
    }

    /// Whether a feature can be in the contexts; which histories a log has is not inferred.
    private func isLogged(_ feature: Feature) -> Bool {
        if case .sequence = feature.kind { return true }
        return log.schema[feature.name] != nil
    }

    private var armList: String { arms.map(\.key.rawValue).joined(separator: ", ") }

    private func snapshotPolicy(_ version: SnapshotVersion, name: String) async throws -> SnapshotPolicy {
        guard let load = log.snapshot else {
            throw WorkbenchError.invalidOption(
                name: "--policy", expected: "a policy file, arm:KEY, uniform or logged: snapshots belong to experiments, not to files",
                found: name)
        }
        let snapshot = try await load(version)
        guard snapshot.arms == arms.map(\.key) else {
            throw WorkbenchError.invalidOption(
                name: "--policy", expected: "a snapshot with the arms of the log (\(armList))",
                found: "\(name) with \(snapshot.arms.map(\.rawValue).joined(separator: ", "))")
        }
        return SnapshotPolicy(snapshot)
    }
}
