import Foundation

/// Writes bytes to a new file and returns its path.
func temporaryFile(_ bytes: [UInt8]) throws -> String {
    let path = FileManager.default.temporaryDirectory.appendingPathComponent("haggle-tabular-\(UUID().uuidString)").path
    try Data(bytes).write(to: URL(fileURLWithPath: path))
    return path
}

func removeFile(_ path: String) { try? FileManager.default.removeItem(atPath: path) }
