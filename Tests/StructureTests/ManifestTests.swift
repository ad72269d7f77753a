import Foundation
import Testing

/// What the repository promises about itself, checked on its files.
@Suite struct ManifestTests {
    @Test func theReadmeStaysShortAndNamesEveryModule() throws {
        let text = try String(contentsOf: ImportTableTests.root.appending(path: "README.md"), encoding: .utf8)
        #expect(text.split(separator: "\n", omittingEmptySubsequences: false).count <= 150)
        for module in ImportTableTests.table.keys { #expect(text.contains("`\(module)`"), "README does not name \(module)") }
    }

    @Test func everyMigrationIsNamedAndOrdered() throws {
        let names = try FileManager.default.contentsOfDirectory(atPath: ImportTableTests.root.appending(path: "sql/migrations").path)
            .sorted()
        #expect(!names.isEmpty)
        for (index, name) in names.enumerated() {
            #expect(name.hasPrefix("V" + String(repeating: "0", count: 4 - String(index + 1).count) + "\(index + 1)_"), "\(name)")
            #expect(name.hasSuffix(".sql"))
        }
    }

    @Test func everyDependencyIsGivenAReasonInTheReadme() throws {
        let manifest = try String(contentsOf: ImportTableTests.root.appending(path: "Package.swift"), encoding: .utf8)
        let readme = try String(contentsOf: ImportTableTests.root.appending(path: "README.md"), encoding: .utf8)
        for match in manifest.matches(of: /\.package\(url: "https:\/\/github\.com\/[^\/]+\/([^"]+?)(?:\.git)?"/) {
            #expect(readme.contains(match.1), "README does not say why \(match.1) is there")
        }
    }

    @Test(arguments: ["Utils", "Helpers", "Common", "Manager"])
    func noFileIsNamedAfterNothing(_ word: String) throws {
        for module in try ImportTableTests.modules {
            for file in try ImportTableTests.sources(of: module) {
                #expect(!file.deletingPathExtension().lastPathComponent.hasSuffix(word), "\(file.path)")
            }
        }
    }
}
