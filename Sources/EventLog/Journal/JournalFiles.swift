import Foundation

#if canImport(Glibc)
import Glibc
#else
import Darwin
#endif

/// Where journals lie: `DIR/<journal>/<segment>.journal`, the journal a UUID, the segment eight digits.
enum JournalFiles {
    /// Begins every segment, with the format's version.
    static let header = Array("haggle journal 2\n".utf8)

    static func path(_ directory: String, segment: Int) -> String {
        let digits = String(segment)
        return "\(directory)/\(String(repeating: "0", count: max(0, 8 - digits.count)))\(digits).journal"
    }

    /// The segments of a journal, in order.
    static func segments(in directory: String) throws -> [Int] {
        let names: [String]
        do { names = try FileManager.default.contentsOfDirectory(atPath: directory) } catch {
            throw JournalError.unreadable(path: directory, reason: error.localizedDescription)
        }
        return names.compactMap { $0.hasSuffix(".journal") ? Int($0.dropLast(8)) : nil }.sorted()
    }

    /// The journals below a directory, by their UUIDs.
    static func journals(in directory: String) -> [String] {
        let names = (try? FileManager.default.contentsOfDirectory(atPath: directory)) ?? []
        return names.filter { UUID(uuidString: $0) != nil }.sorted()
    }

    static func size(_ path: String) -> Int {
        (try? FileManager.default.attributesOfItem(atPath: path)[.size] as? Int) ?? 0
    }

    /// When a file was written last, in seconds since 1970; for ever in the past where it is gone.
    static func writtenAt(_ path: String) -> Double {
        let attributes = try? FileManager.default.attributesOfItem(atPath: path)
        return (attributes?[.modificationDate] as? Date)?.timeIntervalSince1970 ?? -.infinity
    }

    /// Bytes of all segments below a directory.
    static func size(below directory: String) -> Int {
        journals(in: directory).reduce(0) { sum, journal in
            let folder = "\(directory)/\(journal)"
            return sum + ((try? segments(in: folder)) ?? []).reduce(0) { $0 + size(path(folder, segment: $1)) }
        }
    }

    /// Makes the names in a directory durable.
    static func syncDirectory(_ path: String) throws {
        let descriptor = unsafe open(path, O_RDONLY)
        guard descriptor >= 0 else { throw JournalError.notWritten(path: path, reason: reason()) }
        defer { close(descriptor) }
        guard fsync(descriptor) == 0 else { throw JournalError.notWritten(path: path, reason: reason()) }
    }

    /// The last system call's error, in words.
    static func reason() -> String { unsafe String(cString: strerror(errno)) }
}

/// Says that a process uses a journal; gone when the process is, however it ends.
final class JournalLock: Sendable {
    private let descriptor: Int32

    /// - Throws: `JournalError.inUse` where another process (or another lock of this one) has it.
    init(directory: String) throws {
        descriptor = unsafe open(directory, O_RDONLY)
        guard descriptor >= 0 else { throw JournalError.unreadable(path: directory, reason: JournalFiles.reason()) }
        guard flock(descriptor, LOCK_EX | LOCK_NB) == 0 else {
            close(descriptor)
            throw JournalError.inUse(path: directory)
        }
    }

    deinit { close(descriptor) }
}

/// The segment that is being written. Used by one thread.
struct JournalSegmentFile: ~Copyable {
    let path: String
    private let descriptor: Int32
    private(set) var size = 0

    /// Makes the file, with its header on stable storage and its name in the directory.
    init(directory: String, segment: Int) throws {
        path = JournalFiles.path(directory, segment: segment)
        descriptor = unsafe open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw JournalError.notWritten(path: path, reason: JournalFiles.reason()) }
        do {
            try write(JournalFiles.header)
            try sync()
            try JournalFiles.syncDirectory(directory)
        } catch {
            // A file that stayed would be in the way of the next try, once the disk has room again.
            unsafe unlink(path)
            throw error
        }
    }

    deinit { close(descriptor) }

    /// Appends all bytes, or none.
    mutating func write(_ bytes: [UInt8]) throws {
        var done = 0
        while done < bytes.count {
            let written = unsafe bytes.withUnsafeBytes { buffer in
                #if canImport(Glibc)
                unsafe Glibc.write(descriptor, buffer.baseAddress?.advanced(by: done), buffer.count - done)
                #else
                unsafe Darwin.write(descriptor, buffer.baseAddress?.advanced(by: done), buffer.count - done)
                #endif
            }
            if written < 0, errno == EINTR { continue }
            guard written > 0 else {
                let reason = JournalFiles.reason()
                // What came of a group must not stand before the next one as a record half written.
                ftruncate(descriptor, off_t(size))
                lseek(descriptor, off_t(size), SEEK_SET)
                throw JournalError.notWritten(path: path, reason: reason)
            }
            done += written
        }
        size += bytes.count
    }

    func sync() throws {
        #if canImport(Glibc)
        let status = fdatasync(descriptor)
        #else
        let status = fcntl(descriptor, F_FULLFSYNC)
        #endif
        guard status == 0 else { throw JournalError.notWritten(path: path, reason: JournalFiles.reason()) }
    }
}
