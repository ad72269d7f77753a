package import Experiments
import Foundation
package import HaggleCore

/// Experiment files found under paths, parsed, with every problem of every file.
package struct ExperimentFolder: Sendable {
    /// One file that is a valid experiment.
    package struct File: Sendable {
        package let path: String
        package let text: String
        package let experiment: Experiment
    }

    /// The valid files, by path.
    package let files: [File]
    package let problems: [Problem]

    /// Reads files, and the `.yaml` and `.yml` files directly in folders.
    /// - Parameter allowingGrid: whether lists of values under `policy.model` may stand there: for checking and training, not for running.
    /// - Throws: `WorkbenchError` where a path cannot be read or holds no file.
    package init(paths: [String], allowingGrid: Bool = false) throws {
        var files: [File] = []
        var parsed: [ParsedExperiment] = []
        for path in try paths.flatMap(Self.expand) {
            let bytes: Data
            do {
                bytes = try Data(contentsOf: URL(filePath: path))
            } catch {
                throw WorkbenchError.unreadableFile(path: path, reason: error.localizedDescription)
            }
            let result = ExperimentFile.parse(bytes: Array(bytes), file: path, allowingGrid: allowingGrid)
            parsed.append(result)
            if let experiment = result.experiment, result.problems.isEmpty {
                files.append(File(path: path, text: String(decoding: bytes, as: UTF8.self), experiment: experiment))
            }
        }
        self.files = files
        problems = parsed.flatMap(\.problems) + ExperimentFile.conflicts(between: parsed)
    }

    /// One experiment that is not in a file of its own.
    package init(text: String, name: String) {
        let result = ExperimentFile.parse(text: text, file: name)
        files = result.experiment.map { [File(path: name, text: text, experiment: $0)] } ?? []
        problems = result.problems
    }

    /// The files, or every problem as one error.
    package func valid() throws -> [File] {
        guard problems.isEmpty else { throw WorkbenchError.invalidFiles(problems.map(\.description)) }
        return files
    }

    private static func expand(_ path: String) throws -> [String] {
        var isFolder: ObjCBool = false
        guard unsafe FileManager.default.fileExists(atPath: path, isDirectory: &isFolder) else {
            throw WorkbenchError.unreadableFile(path: path, reason: "no such file or folder")
        }
        guard isFolder.boolValue else { return [path] }
        let names = try FileManager.default.contentsOfDirectory(atPath: path).filter { $0.hasSuffix(".yaml") || $0.hasSuffix(".yml") }
        guard !names.isEmpty else { throw WorkbenchError.noFiles(path: path) }
        return names.sorted().map { path.hasSuffix("/") ? path + $0 : path + "/" + $0 }
    }
}
