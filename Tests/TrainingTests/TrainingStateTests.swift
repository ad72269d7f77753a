import Foundation
import Testing

@testable import Training

@Suite struct TrainingStateTests {
    private let path = FileManager.default.temporaryDirectory.appending(path: "haggle-state-\(UUID().uuidString).jsonl").path

    private static func outcome(_ loss: Double) -> FoldOutcome {
        FoldOutcome(trainingCount: 80, validationCount: 20, seconds: 0.5, loss: loss)
    }

    private func remove() { try? FileManager.default.removeItem(atPath: path) }

    @Test func resultsAreThereAfterwards() throws {
        defer { remove() }
        do {
            let state = try TrainingState(path: path, data: "abc")
            try state.append(Self.outcome(0.1), key: "one", model: "", fold: 0)
            try state.append(Self.outcome(.infinity), key: "two", model: "", fold: 1)
        }
        let state = try TrainingState(path: path, data: "abc")
        #expect(state.count == 2 && state.brokenCount == 0)
        #expect(state.outcome("one") == Self.outcome(0.1) && state.outcome("two")?.loss == .infinity && state.outcome("three") == nil)
    }

    /// Wherever a kill cuts the file, what was whole is kept and appending goes on.
    @Test func aKillInTheMiddleOfALineCostsThatLineOnly() throws {
        defer { remove() }
        do {
            let state = try TrainingState(path: path, data: "abc")
            try state.append(Self.outcome(0.1), key: "one", model: "", fold: 0)
            try state.append(Self.outcome(0.2), key: "two", model: "", fold: 1)
        }
        let whole = try Data(contentsOf: URL(filePath: path))
        let header = try #require(whole.firstIndex(of: UInt8(ascii: "\n"))) + 1
        let first = try #require(whole[header...].firstIndex(of: UInt8(ascii: "\n"))) + 1
        for length in stride(from: 0, through: whole.count, by: 7) {
            try whole.prefix(length).write(to: URL(filePath: path))
            let state = try TrainingState(path: path, data: "abc")
            #expect(state.count == (length < first ? 0 : length < whole.count ? 1 : 2))
            try state.append(Self.outcome(0.3), key: "three", model: "", fold: 2)
            let again = try TrainingState(path: path, data: "abc")
            #expect(again.brokenCount == 0 && again.outcome("three") == Self.outcome(0.3))
            #expect(again.count == state.count)
        }
    }

    @Test func aDamagedLineIsCountedAndComputedAgain() throws {
        defer { remove() }
        do { try TrainingState(path: path, data: "abc").append(Self.outcome(0.1), key: "one", model: "", fold: 0) }
        let handle = try FileHandle(forUpdating: URL(filePath: path))
        try handle.seekToEnd()
        try handle.write(contentsOf: Data("{\"key\": 5}\n".utf8))
        try handle.close()
        let state = try TrainingState(path: path, data: "abc")
        #expect(state.count == 1 && state.brokenCount == 1)
    }

    @Test func aStateOfOtherDataIsRefused() throws {
        defer { remove() }
        do { try TrainingState(path: path, data: "abc").append(Self.outcome(0.1), key: "one", model: "", fold: 0) }
        #expect(throws: TrainingError.otherData(path: path, stored: "abc", found: "abd")) { try TrainingState(path: path, data: "abd") }
        // Refused without harm.
        #expect(try TrainingState(path: path, data: "abc").count == 1)
    }

    @Test func anotherFileIsRefusedAndLeftAlone() throws {
        defer { remove() }
        for text in ["my notes\n", "my notes", "{\"haggle_train\": 99, \"data\": \"abc\"}\n"] {
            try Data(text.utf8).write(to: URL(filePath: path))
            #expect(throws: TrainingError.notAState(path: path)) { try TrainingState(path: path, data: "abc") }
            #expect(try Data(contentsOf: URL(filePath: path)) == Data(text.utf8))
        }
    }

    @Test func aFolderThatIsNotThereIsAClearError() {
        let error = #expect(throws: TrainingError.self) { try TrainingState(path: "/no/such/folder/state.jsonl", data: "abc") }
        #expect(error?.description.hasPrefix("/no/such/folder/state.jsonl: cannot be written") == true)
    }
}
