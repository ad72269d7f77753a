import EventLog
import Foundation
import HaggleCore
import Tabular
import Testing

/// One way to open a log, whatever its format; and the Open Bandit Dataset without a database.
@Suite struct LogFileTests {
    private static let openBandit = """
        timestamp,item_id,position,click,propensity_score,user_feature_0,user-item_affinity_0
        2019-11-24 00:03:13.442536+00:00,14,3,0,0.0294117647058823,aa,0
        2019-11-24 00:03:36.705207+00:00,2,1,1,0.05,bb,0.5

        """
    private static let items = ",item_id,item_feature_0\n0,2,0.1\n1,10,0.2\n2,14,0.3\n"

    /// Lends a directory with these files.
    private func withDirectory(_ files: [String: String], _ body: (String) async throws -> Void) async throws {
        let directory = FileManager.default.temporaryDirectory.appendingPathComponent("haggle-open-bandit-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: directory) }
        for (name, text) in files { try Data(text.utf8).write(to: directory.appendingPathComponent(name)) }
        try await body(directory.path)
    }

    @Test func anOpenBanditLogNeedsNoDatabase() async throws {
        try await withFile(Self.openBandit) { path in
            let source = try OpenBanditInteractionSource(path: path)
            #expect(source.arms.map(\.key) == ["2", "14"])
            #expect(source.excluded.isEmpty)
            let rows = try await collect(source)
            #expect(
                rows == [
                    Interaction(
                        time: Timestamp("2019-11-24T00:03:13.442536Z"),
                        context: ["position": "3", "user_feature_0": "aa", "user-item_affinity_0": 0], arm: 1,
                        propensity: 0.0294117647058823, reward: 0),
                    Interaction(
                        time: Timestamp("2019-11-24T00:03:36.705207Z"),
                        context: ["position": "1", "user_feature_0": "bb", "user-item_affinity_0": 0.5], arm: 0, propensity: 0.05, reward: 1
                    ),
                ])
        }
    }

    @Test func onePositionIsALogOfItsOwn() async throws {
        try await withFile(Self.openBandit) { path in
            let source = try OpenBanditInteractionSource(path: path, position: 1)
            #expect(source.rowCount == 1)
            #expect(source.excluded == ["OTHER_POSITION": 1])
            #expect(try await collect(source).map(\.reward) == [1])
        }
    }

    @Test func aDirectoryKnowsItemsThatWereNeverShown() async throws {
        try await withDirectory(["men.csv": Self.openBandit, "item_context.csv": Self.items, "README.md": "text"]) { path in
            let source = try LogFile.open(path: path)
            #expect(source.arms.map(\.key) == ["2", "10", "14"])
            #expect(try await collect(try OpenBanditInteractionSource(path: path)).map(\.arm) == [2, 0])
        }
    }

    @Test func aDirectoryWithSeveralLogsOrNoneIsAmbiguous() async throws {
        try await withDirectory(["a.csv": Self.openBandit, "b.csv": Self.openBandit]) { path in
            #expect(throws: EventLogError.noSingleLog(directory: path, found: ["\(path)/a.csv", "\(path)/b.csv"])) {
                _ = try LogFile.open(path: path)
            }
        }
        try await withDirectory(["item_context.csv": Self.items]) { path in
            #expect(throws: EventLogError.noSingleLog(directory: path, found: [])) { _ = try LogFile.open(path: path) }
        }
    }

    @Test(arguments: [
        ("log.csv", LogFile.Format.csv), ("a.b/log.csv.gz", .csv), ("x.ndjson", .ndjson), ("x.jsonl.gz", .ndjson), ("x.dsjson", .dsjson),
        ("/tmp", .openBandit),
    ])
    func theNameTellsTheFormat(path: String, format: LogFile.Format) throws { #expect(try LogFile.Format(path: path) == format) }

    @Test(arguments: ["log", "log.json", "log.gz", "csv"])
    func anotherNameDoesNot(path: String) {
        #expect(throws: EventLogError.unknownFormat(path: path)) { try LogFile.Format(path: path) }
    }

    @Test func everyFormatOpensTheSameWay() async throws {
        try await withFile("arm,propensity,reward\na,0.5,1\n") { path in
            let source = try LogFile.open(path: path)
            #expect(source is CSVInteractionSource)
        }
        try await withFile(#"{"arm":"a","reward":1}"#, name: "log.jsonl") { path in
            let source = try LogFile.open(path: path)
            #expect(source is NDJSONInteractionSource)
        }
        try await withFile(#"{"_label_cost":0,"_label_Action":1,"c":{"_multi":[{"id":"a"}]}}"#, name: "log.dsjson") { path in
            let source = try LogFile.open(path: path)
            #expect(source is DSJSONInteractionSource)
        }
        try await withFile(Self.openBandit, name: "log.txt") { path in
            let source = try LogFile.open(path: path, format: .openBandit)
            #expect(source is OpenBanditInteractionSource)
        }
    }

    @Test func aLogWithoutPropensitiesIsReadOnlyWhereThatIsSaid() async throws {
        try await withFile("arm,reward\na,1\n") { path in
            #expect(throws: TabularError.missingColumn(file: path, name: "propensity", found: ["arm", "reward"])) {
                try CSVInteractionSource(path: path)
            }
            let rows = try await collect(try CSVInteractionSource(path: path, columns: .init(propensity: nil)))
            #expect(rows == [Interaction(arm: 0, propensity: nil, reward: 1)])
        }
    }

    @Test func aFileThatChangedBetweenPassesIsAnError() async throws {
        try await withFile("arm,propensity,reward\na,0.5,1\n") { path in
            let source = try CSVInteractionSource(path: path)
            try Data("arm,propensity,reward\na,0.5,1\na,0.5,1\n".utf8).write(to: URL(fileURLWithPath: path))
            await #expect(throws: TabularError.changed(file: path)) { try await collect(source) }
        }
    }
}
