/// Hands out a file's bytes as they are, a piece at a time.
package func readFile(_ path: String, _ body: ([UInt8]) throws -> Void) throws {
    let handle = try FileHandle(reading: path)
    var piece: [UInt8] = []
    while true {
        piece.removeAll(keepingCapacity: true)
        if try handle.read(upTo: 1 << 18, into: &piece) == 0 { return }
        try body(piece)
    }
}
