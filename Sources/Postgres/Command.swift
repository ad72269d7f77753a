import Foundation

#if canImport(Darwin)
import Darwin
#else
import Glibc
#endif

/// Runs a program to its end. Blocks.
enum Command {
    struct Outcome {
        let status: Int32
        /// Standard output and error together.
        let output: String
    }

    /// Not `Foundation.Process`: on Linux it learns of the end through a descriptor that every descendant inherits, and a server that the
    /// program leaves behind would keep it open for ever. The output goes to an unlinked file for the same reason: a pipe would stay open.
    static func run(_ command: [String]) throws -> Outcome {
        func failure(_ code: Int32) -> PostgresError {
            // Safe: strerror's text is copied at once.
            .fileFailed(path: command[0], operation: "run", reason: unsafe String(cString: strerror(code)))
        }
        var template = Array((FileManager.default.temporaryDirectory.path + "/haggle-XXXXXX").utf8CString)
        // Safe: the template is our own array, long enough and zero-terminated; the descriptor is closed below.
        let output = unsafe template.withUnsafeMutableBufferPointer { unsafe mkstemp($0.baseAddress!) }
        guard output >= 0 else { throw failure(errno) }
        defer { close(output) }
        unsafe template.withUnsafeBufferPointer { _ = unsafe unlink($0.baseAddress!) }
        _ = fcntl(output, F_SETFD, FD_CLOEXEC)
        let child = try spawn(command, output: output) { failure($0) }
        var status: Int32 = 0
        // Safe: the status lives on this frame.
        while unsafe waitpid(child, &status, 0) < 0 {
            guard errno == EINTR else { throw failure(errno) }
        }
        lseek(output, 0, SEEK_SET)
        let text = (try? FileHandle(fileDescriptor: output, closeOnDealloc: false).readToEnd()) ?? Data()
        // The exit status, or for a signal its number as a shell tells it.
        let code = status & 0x7f == 0 ? (status >> 8) & 0xff : 128 + (status & 0x7f)
        return Outcome(status: code, output: trimmed(String(decoding: text, as: UTF8.self)))
    }

    private static func spawn(_ command: [String], output: Int32, failure: (Int32) -> PostgresError) throws -> pid_t {
        #if canImport(Darwin)
        var actions: posix_spawn_file_actions_t?
        #else
        var actions = unsafe posix_spawn_file_actions_t()
        #endif
        // Safe: the actions are initialised here, used by the one call below, and destroyed when this function ends; the argument and
        // environment strings are duplicated and freed around that call.
        unsafe posix_spawn_file_actions_init(&actions)
        defer { unsafe posix_spawn_file_actions_destroy(&actions) }
        unsafe posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0)
        unsafe posix_spawn_file_actions_adddup2(&actions, output, 1)
        unsafe posix_spawn_file_actions_adddup2(&actions, output, 2)
        // Not the caller's directory, which the server's user may not be allowed to enter, nor its PG... variables.
        let command = ["/bin/sh", "-c", #"cd / && exec "$0" "$@""#] + command
        let environment = ["PATH=/usr/bin:/bin:/usr/sbin:/sbin:/usr/local/bin:/opt/homebrew/bin", "LC_ALL=C", "TZ=UTC"]
        let arguments = unsafe command.map { unsafe strdup($0) } + [nil]
        let variables = unsafe environment.map { unsafe strdup($0) } + [nil]
        defer { unsafe (arguments + variables).forEach { unsafe free($0) } }
        var child: pid_t = 0
        let code = unsafe posix_spawn(&child, command[0], &actions, nil, arguments, variables)
        guard code == 0 else { throw failure(code) }
        return child
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
}
