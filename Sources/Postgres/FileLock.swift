import Foundation

#if canImport(Darwin)
import Darwin
#else
import Glibc
#endif

/// A lock on a file that the kernel drops when its holder ends, however it ends. Released with the last reference.
final class FileLock: Sendable {
    private let descriptor: Int32

    /// Opens the file without locking it. Child processes do not inherit it.
    init(path: String) throws {
        descriptor = unsafe open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o600)  // the path lives during the call
        guard descriptor >= 0 else { throw PostgresError.fileFailed(path: path, operation: "open", reason: systemError()) }
    }

    deinit { close(descriptor) }

    func tryExclusive() -> Bool { flock(descriptor, LOCK_EX | LOCK_NB) == 0 }
    func tryShared() -> Bool { flock(descriptor, LOCK_SH | LOCK_NB) == 0 }

    /// An exclusive lock, waited for at most `seconds`. Blocks.
    static func exclusive(path: String, seconds: Double) throws -> FileLock {
        let lock = try FileLock(path: path)
        let deadline = ContinuousClock.now + .seconds(seconds)
        while !lock.tryExclusive() {
            guard ContinuousClock.now < deadline else { throw PostgresError.clusterBusy(lock: path, seconds: seconds) }
            Thread.sleep(forTimeInterval: 0.05)
        }
        return lock
    }
}

/// The meaning of `errno` after a call that failed.
func systemError() -> String { unsafe String(cString: strerror(errno)) }  // copied at once
