import Synchronization

#if canImport(Glibc)
import Glibc
#else
import Darwin
#endif

/// A folder for spill files; it goes with the object, once the files in it have gone.
package final class TemporaryFolder: Sendable {
    package let path: String
    private let count = Mutex(0)

    /// Makes a new folder in `parent`, readable by its owner only.
    /// - Throws: `TabularError.cannotWrite`.
    package init(in parent: String) throws {
        var template = Array((parent + "/.haggle-XXXXXX").utf8CString)
        // The template is a C string that the call changes in place.
        guard unsafe template.withUnsafeMutableBufferPointer({ unsafe mkdtemp($0.baseAddress!) }) != nil else {
            throw TabularError.cannotWrite(file: parent, reason: FileHandle.reason())
        }
        path = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }

    deinit { unsafe rmdir(path) }  // the path's bytes live until the call returns

    /// A path in the folder that was not given out before.
    package func newPath() -> String {
        let number = count.withLock { count in
            count += 1
            return count
        }
        return "\(path)/\(number).spill"
    }
}
