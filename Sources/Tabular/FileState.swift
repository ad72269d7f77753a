#if canImport(Glibc)
import Glibc
#else
import Darwin
#endif

/// What tells whether a file is still the one that was read: its device and number, its size and when it was last changed.
package struct FileState: Hashable, Sendable {
    private let device: UInt64
    private let number: UInt64
    package let size: Int64
    private let changedSeconds: Int64
    private let changedNanoseconds: Int64

    /// The file's state now; nil for anything that is no regular file (a pipe has no size to compare).
    /// - Throws: `TabularError.cannotOpen`.
    package init?(path: String) throws {
        var info = stat()
        // Both pointers are used during the call only.
        guard unsafe stat(path, &info) == 0 else {
            throw TabularError.cannotOpen(file: path, reason: FileHandle.reason())
        }
        self.init(info)
    }

    init?(descriptor: Int32) {
        var info = stat()
        guard unsafe fstat(descriptor, &info) == 0 else { return nil }  // as above
        self.init(info)
    }

    private init?(_ info: stat) {
        guard info.st_mode & S_IFMT == S_IFREG else { return nil }
        device = UInt64(info.st_dev)
        number = UInt64(info.st_ino)
        size = Int64(info.st_size)
        #if canImport(Glibc)
        (changedSeconds, changedNanoseconds) = (Int64(info.st_mtim.tv_sec), Int64(info.st_mtim.tv_nsec))
        #else
        (changedSeconds, changedNanoseconds) = (Int64(info.st_mtimespec.tv_sec), Int64(info.st_mtimespec.tv_nsec))
        #endif
    }

    /// Makes sure that the file at `path` is still as it was.
    /// - Throws: `TabularError.changed`.
    package func check(path: String) throws {
        guard let now = try? FileState(path: path), now == self else { throw TabularError.changed(file: path) }
    }
}
