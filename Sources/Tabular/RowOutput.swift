/// Where written rows go: a file, or a closure that passes bytes on (standard output, a response).
package struct RowOutput: ~Copyable {
    /// Bytes gathered before they are passed on.
    private static let pieceSize = 1 << 16

    private var pending: [UInt8] = []
    private let pass: ([UInt8]) throws -> Void

    package init(_ pass: @escaping ([UInt8]) throws -> Void) { self.pass = pass }

    package mutating func append(_ bytes: [UInt8]) throws {
        pending += bytes
        if pending.count >= Self.pieceSize { try flush() }
    }

    package mutating func flush() throws {
        guard !pending.isEmpty else { return }
        try pass(pending)
        pending.removeAll(keepingCapacity: true)
    }
}

/// Lends a file for writing; it is complete when the closure has returned.
package func withFileOutput<Result>(_ path: String, _ body: (inout RowOutput) throws -> Result) throws -> Result {
    let handle = try FileHandle(creating: path)
    var output = RowOutput { try handle.write($0) }
    let result = try body(&output)
    try output.flush()
    return result
}

/// As above for a closure that suspends.
package func withFileOutput<Result>(_ path: String, _ body: (inout RowOutput) async throws -> Result) async throws -> Result {
    let handle = try FileHandle(creating: path)
    var output = RowOutput { try handle.write($0) }
    let result = try await body(&output)
    try output.flush()
    return result
}
