import Foundation
import Testing

/// The module table of the README and the arrows in Package.swift, held against what the sources really import.
@Suite struct ImportTableTests {
    /// module: the modules of ours that it may import. A module imports lower layers only.
    static let table: [String: Set<String>] = [
        "HaggleCore": [],
        "HaggleMath": ["COpenBLAS"],
        "Postgres": ["CLibPQ"],
        "Tabular": ["CZlib"],
        "Features": ["HaggleCore", "HaggleMath"],
        "NeuralNetwork": ["HaggleMath"],
        "Evaluation": ["HaggleCore", "HaggleMath"],
        "Policies": ["HaggleCore", "HaggleMath", "Features", "NeuralNetwork"],
        "Experiments": ["HaggleCore"],
        "EventLog": ["HaggleCore", "Postgres", "Tabular"],
        "Catalog": ["HaggleCore", "Postgres"],
        "Reporting": ["HaggleCore", "Evaluation"],
        "Simulation": ["HaggleCore", "HaggleMath"],
        "Serving": ["HaggleCore", "Features", "Policies", "Experiments"],
        "Training": ["HaggleCore", "HaggleMath", "NeuralNetwork", "Policies", "Evaluation", "Reporting"],
        "Analysis": ["HaggleCore", "Postgres", "Evaluation", "Policies", "EventLog", "Catalog", "Reporting"],
        "Learning": [
            "HaggleCore", "HaggleMath", "Features", "NeuralNetwork", "Policies", "Evaluation", "EventLog", "Catalog", "Postgres",
        ],
    ]

    /// External libraries and the one module that wraps each; plumbing may be imported anywhere above layer 0.
    static let wrapper: [String: Set<String>] = [
        "CLibPQ": ["Postgres"], "COpenBLAS": ["HaggleMath"], "CZlib": ["Tabular"], "Yams": ["Experiments"], "Crypto": ["Catalog"],
        "Mustache": ["Reporting"], "Hummingbird": ["HaggleServer"], "AsyncHTTPClient": ["Workbench"], "ArgumentParser": ["haggle"],
        "RealModule": ["HaggleMath"],
    ]

    static let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()

    static func sources(of module: String) throws -> [URL] {
        let folder = root.appending(path: "Sources").appending(path: module)
        let files = try #require(FileManager.default.enumerator(at: folder, includingPropertiesForKeys: nil))
        return files.compactMap { $0 as? URL }.filter { $0.pathExtension == "swift" }
    }

    static func imports(of file: URL) throws -> Set<String> {
        var found: Set<String> = []
        for line in try String(contentsOf: file, encoding: .utf8).split(separator: "\n") {
            let words = line.split(separator: " ").drop {
                ["package", "public", "internal", "private", "fileprivate", "@preconcurrency"].contains($0)
            }
            guard words.first == "import", let name = words.dropFirst().last else { continue }
            found.insert(String(name.split(separator: ".")[0]))
        }
        return found
    }

    static var modules: [String] {
        get throws {
            try FileManager.default.contentsOfDirectory(atPath: root.appending(path: "Sources").path).sorted()
        }
    }

    @Test func everyImportOfOursPointsToALowerLayer() throws {
        let ours = Set(try Self.modules)
        for (module, allowed) in Self.table {
            for file in try Self.sources(of: module) {
                let crossing = try Self.imports(of: file).intersection(ours).subtracting(allowed).subtracting([module])
                #expect(crossing.isEmpty, "\(module)/\(file.lastPathComponent) imports \(crossing.sorted())")
            }
        }
    }

    @Test func everyExternalLibraryHasOneWrappingModule() throws {
        for module in try Self.modules {
            for file in try Self.sources(of: module) {
                for library in try Self.imports(of: file) {
                    guard let allowed = Self.wrapper[library] else { continue }
                    #expect(
                        allowed.contains(module), "\(module)/\(file.lastPathComponent) imports \(library), which \(allowed.sorted()) wraps")
                }
            }
        }
    }

    @Test func theServerAndTheWorkbenchDoNotKnowEachOther() throws {
        for (module, other) in [("HaggleServer", "Workbench"), ("Workbench", "HaggleServer")] {
            for file in try Self.sources(of: module) { #expect(try !Self.imports(of: file).contains(other)) }
        }
    }

    @Test func everyModuleOfTheTableHasItsTests() throws {
        for module in Self.table.keys {
            let folder = Self.root.appending(path: "Tests").appending(path: "\(module)Tests")
            let files = try FileManager.default.contentsOfDirectory(atPath: folder.path)
            #expect(files.contains { $0.hasSuffix("Tests.swift") }, "Tests/\(module)Tests has no test file")
        }
    }
}
