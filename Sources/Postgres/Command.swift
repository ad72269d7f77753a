import Foundation

#if canImport(Darwin)
import Darwin
#else
import Glibc
#endif

/// Runs a program to its end. Blocks.
///
/// Not Foundation's `Process`: outside of macOS that hands its children a socket and takes them for running until the last process that has
/// inherited it ends, which after `pg_ctl start` is the server.
enum Command {
    struct Outcome {
        /// 128 and the signal's number for a program that a signal ended.
        let status: Int32
        /// Standard output and error together.
        let output: String
    }

    static func run(_ command: [String]) throws -> Outcome {
        var ends: [Int32] = [-1, -1]
        guard unsafe pipe(&ends) == 0 else { throw PostgresError.noFileDescriptors }  // writes the two descriptors
        for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
        defer { close(ends[0]) }
        let process: pid_t
        do {
            defer { close(ends[1]) }
            process = try spawn(command, output: ends[1])
        }
        let output = readAll(ends[0])
        var status: Int32 = 0
        // Where the program ignores the end of its children there is no status: its output has ended, and what it did is checked otherwise.
        while unsafe waitpid(process, &status, 0) < 0, errno == EINTR {}  // writes the status
        let signal = status & 0x7f
        return Outcome(status: signal == 0 ? status >> 8 & 0xff : 128 + signal, output: trimmed(output))
    }

    /// Runs a program that has to succeed.
    @discardableResult
    static func require(_ command: [String], as account: ServerAccount?) throws -> String {
        let outcome = try run(account?.wrap(command) ?? command)
        guard outcome.status == 0 else {
            throw PostgresError.commandFailed(command: command.joined(separator: " "), status: outcome.status, output: outcome.output)
        }
        return outcome.output
    }

    /// What comes out of a pipe until its last writer closes it.
    private static func readAll(_ descriptor: Int32) -> String {
        var bytes: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 4096)
        while true {
            let count = unsafe buffer.withUnsafeMutableBytes { unsafe read(descriptor, $0.baseAddress, $0.count) }  // at most the buffer's size
            if count > 0 {
                bytes += buffer.prefix(count)
            } else if count == 0 || errno != EINTR {
                return String(decoding: bytes, as: UTF8.self)
            }
        }
    }

    /// Starts a program that inherits nothing: no descriptors, no signal settings, no variables (the caller's PG... among them), and not the
    /// caller's directory, which the server's user may not be allowed to enter.
    private static func spawn(_ command: [String], output: Int32) throws -> pid_t {
        #if canImport(Darwin)
        var actions: posix_spawn_file_actions_t?
        var attributes: posix_spawnattr_t?
        #else
        var actions = unsafe posix_spawn_file_actions_t()
        var attributes = posix_spawnattr_t()
        #endif
        // All of the following read and write these two and copy what they are given; they fail for want of memory only.
        unsafe posix_spawn_file_actions_init(&actions)
        unsafe posix_spawnattr_init(&attributes)
        defer {
            unsafe posix_spawn_file_actions_destroy(&actions)
            unsafe posix_spawnattr_destroy(&attributes)
        }
        unsafe posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0)
        unsafe posix_spawn_file_actions_adddup2(&actions, output, 1)
        unsafe posix_spawn_file_actions_adddup2(&actions, output, 2)
        var signals = sigset_t()
        unsafe sigemptyset(&signals)
        unsafe posix_spawnattr_setsigmask(&attributes, &signals)
        unsafe sigfillset(&signals)
        unsafe posix_spawnattr_setsigdefault(&attributes, &signals)
        var flags = Int32(POSIX_SPAWN_SETSIGMASK) | Int32(POSIX_SPAWN_SETSIGDEF)
        #if canImport(Darwin)
        flags |= Int32(POSIX_SPAWN_CLOEXEC_DEFAULT)
        #else
        for descriptor in 3..<highestDescriptor() + 64 { unsafe posix_spawn_file_actions_addclose(&actions, descriptor) }
        #endif
        unsafe posix_spawnattr_setflags(&attributes, Int16(truncatingIfNeeded: flags))

        let environment = ["PATH=/usr/bin:/bin:/usr/sbin:/sbin:/usr/local/bin:/opt/homebrew/bin", "LC_ALL=C", "TZ=UTC"]
        // Copies that live until the program has been started.
        var arguments = unsafe (["sh", "-c", "cd / && exec \"$@\"", "sh"] + command).map { unsafe strdup($0) }
        var variables = unsafe environment.map { unsafe strdup($0) }
        defer { for unsafe string in unsafe arguments + variables { unsafe free(string) } }
        unsafe arguments.append(nil)
        unsafe variables.append(nil)
        var process: pid_t = 0
        let failure = unsafe posix_spawn(&process, "/bin/sh", &actions, &attributes, arguments, variables)
        guard failure == 0 else {
            let reason = unsafe String(cString: strerror(failure))  // copied at once
            throw PostgresError.fileFailed(path: command[0], operation: "run", reason: reason)
        }
        return process
    }

    #if !canImport(Darwin)
    /// New descriptors get the lowest free number, so what other threads open before the program starts lies at or little above this.
    private static func highestDescriptor() -> Int32 {
        let names = (try? FileManager.default.contentsOfDirectory(atPath: "/proc/self/fd")) ?? []
        return names.compactMap { Int32($0) }.max() ?? 1024
    }
    #endif
}
