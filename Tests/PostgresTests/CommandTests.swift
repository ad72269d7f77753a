import Foundation
import Testing

@testable import Postgres

#if canImport(Darwin)
import Darwin
#else
import Glibc
#endif

@Suite struct CommandTests {
    @Test func outputAndStatusComeBack() throws {
        let outcome = try Command.run(["/bin/sh", "-c", "echo \"$1\"; echo $2 >&2; exit 7", "sh", "it's \"one\" word", "two"])
        #expect(outcome.status == 7 && outcome.output == "it's \"one\" word\ntwo")
        #expect(try Command.run(["/bin/sh", "-c", "kill -KILL $$"]).status == 128 + SIGKILL)
        let missing = try Command.run(["/nonexistent/program"])
        #expect(missing.status == 127 && missing.output.contains("/nonexistent/program"))
    }

    /// As pg_ctl does, which leaves the server behind.
    @Test func aProgramsLastingChildIsNotWaitedFor() throws {
        let start = ContinuousClock.now
        let outcome = try Command.run(["/bin/sh", "-c", "sleep 20 >/dev/null 2>&1 & echo $!"])
        #expect(ContinuousClock.now - start < .seconds(10))
        let child = try #require(Int32(outcome.output))
        #expect(kill(child, SIGKILL) == 0)
    }

    /// A server that inherited a listening socket would keep its port after our end.
    @Test func nothingIsInherited() throws {
        let descriptor = open("/dev/null", O_RDONLY)
        defer { close(descriptor) }
        setenv("PGHAGGLETEST", "1", 1)
        defer { unsetenv("PGHAGGLETEST") }
        let script = "test -e /dev/fd/$1 && echo descriptor; env | grep PGHAGGLE; pwd"
        #expect(try Command.run(["/bin/sh", "-c", script, "sh", "\(descriptor)"]).output == "/")
    }

    @Test func aFailureNamesTheCommand() {
        #expect(throws: PostgresError.commandFailed(command: "/bin/sh -c echo no; exit 3", status: 3, output: "no")) {
            try Command.require(["/bin/sh", "-c", "echo no; exit 3"], as: nil)
        }
    }
}
