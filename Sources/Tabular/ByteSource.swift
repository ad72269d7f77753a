#if canImport(Glibc)
import Glibc
#else
import Darwin
#endif

/// The bytes of a file or of memory, a piece at a time; gzip is recognised by its first two bytes and decompressed. A file that changes while
/// it is read is an error at its end.
struct ByteSource: ~Copyable {
    /// Bytes asked of the file at a time.
    private static let pieceSize = 1 << 19

    let name: String
    private var input: Input
    private var inflater: Inflater?
    private var compressed: [UInt8] = []
    private var isStarted = false
    /// The file as it was when it was opened; nil for memory and pipes.
    let state: FileState?

    private enum Input {
        case file(FileHandle)
        case memory([UInt8])
        case finished
    }

    init(path: String) throws {
        name = path
        let handle = try FileHandle(reading: path)
        state = handle.state
        input = .file(handle)
    }

    init(bytes: [UInt8], name: String) {
        self.name = name
        state = nil
        input = .memory(bytes)
    }

    /// Appends the next bytes.
    /// - Returns: false at the end.
    mutating func read(into buffer: inout [UInt8]) throws -> Bool {
        while true {
            let before = buffer.count
            if inflater == nil {
                guard try readRaw(into: &buffer) else { return false }
                guard !isStarted else { return true }
                isStarted = true
                if buffer.count - before == 1 { _ = try readRaw(into: &buffer) }  // a pipe may give a single byte
                guard buffer.count - before >= 2, buffer[before] == 0x1f, buffer[before + 1] == 0x8b else { return true }
                compressed = Array(buffer[before...])
                buffer.removeSubrange(before...)
                inflater = try Inflater(file: name)
            }
            while compressed.isEmpty {
                var piece: [UInt8] = []
                guard try readRaw(into: &piece) else {
                    if inflater?.isInsideMember == true { throw TabularError.damagedGzip(file: name) }
                    return false
                }
                compressed = piece
            }
            try inflater?.inflate(&compressed, into: &buffer)
            if buffer.count > before { return true }
        }
    }

    private mutating func readRaw(into buffer: inout [UInt8]) throws -> Bool {
        switch input {
        case .file(let handle):
            if try handle.read(upTo: Self.pieceSize, into: &buffer) > 0 { return true }
            // At the end the file must be what it was at the start: not grown, not cut, not replaced by another of the same name.
            if let state {
                guard handle.state == state else { throw TabularError.changed(file: name) }
                try state.check(path: name)
            }
            return false
        case .memory(let bytes):
            buffer += bytes
            input = .finished
            return !bytes.isEmpty
        case .finished:
            return false
        }
    }
}

/// An open file descriptor, closed with the object.
final class FileHandle: Sendable {
    private let descriptor: Int32
    private let path: String

    init(reading path: String) throws {
        self.path = path
        descriptor = unsafe open(path, O_RDONLY | O_CLOEXEC)  // the path's bytes live until the call returns
        guard descriptor >= 0 else { throw TabularError.cannotOpen(file: path, reason: Self.reason()) }
    }

    init(creating path: String) throws {
        self.path = path
        descriptor = unsafe open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o644)  // as above
        guard descriptor >= 0 else { throw TabularError.cannotWrite(file: path, reason: Self.reason()) }
    }

    deinit { close(descriptor) }

    /// The open file's state now; nil where it is no regular file.
    var state: FileState? { FileState(descriptor: descriptor) }

    /// Appends up to `limit` bytes; 0 at the end.
    func read(upTo limit: Int, into buffer: inout [UInt8]) throws -> Int {
        let start = buffer.count
        buffer.append(contentsOf: repeatElement(0, count: limit))
        var count: Int
        repeat {
            // The pointer covers the `limit` bytes just appended and does not leave the closure.
            count = unsafe buffer.withUnsafeMutableBytes { unsafe systemRead(descriptor, $0.baseAddress! + start, limit) }
        } while count < 0 && errno == EINTR
        buffer.removeLast(limit - max(0, count))
        guard count >= 0 else { throw TabularError.cannotRead(file: path, reason: Self.reason()) }
        return count
    }

    func write(_ bytes: [UInt8]) throws {
        var written = 0
        while written < bytes.count {
            // The pointer covers the bytes not yet written and does not leave the closure.
            let count = unsafe bytes.withUnsafeBytes { unsafe systemWrite(descriptor, $0.baseAddress! + written, bytes.count - written) }
            if count < 0 {
                if errno == EINTR { continue }
                throw TabularError.cannotWrite(file: path, reason: Self.reason())
            }
            written += count
        }
    }

    /// What the last system call of this thread complained about.
    static func reason() -> String {
        // `strerror` returns a string that stays valid until the next call on this thread; it is copied at once.
        unsafe String(cString: strerror(errno))
    }
}

private func systemRead(_ descriptor: Int32, _ target: UnsafeMutableRawPointer, _ count: Int) -> Int {
    unsafe read(descriptor, target, count)  // the caller's buffer has `count` bytes
}

private func systemWrite(_ descriptor: Int32, _ source: UnsafeRawPointer, _ count: Int) -> Int {
    unsafe write(descriptor, source, count)  // the caller's buffer has `count` bytes
}
